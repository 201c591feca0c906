// SPDX-License-Identifier: Apache-2.0
// C++ on the compiler's own library: exceptions, streams, containers, static objects.
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <sconce/guest.h>

static std::map<std::string, int> counted{{"start", 1}};
static thread_local std::vector<int> local{1, 2, 3};

SCONCE_IMPORT(int, host_echo_i32, (int32_t value));

SCONCE_EXPORT(int, parse, (const char *text))
{
    try {
        return std::stoi(text);
    } catch (const std::invalid_argument &) {
        sconce_fail(7, "not a number: %s", text);
    } catch (const std::out_of_range &) {
        sconce_fail(8, "too large: %s", text);
    }
    return 0;
}

// Through a frame of C++ with something to destroy.
static int unwind(int depth, std::shared_ptr<int> count)
{
    if (depth == 0)
        throw std::runtime_error("the bottom");
    std::shared_ptr<int> mine(new int(depth), [count](int *p) {
        ++*count;
        delete p;
    });
    return unwind(depth - 1, count) + *mine;
}

SCONCE_EXPORT(int, unwinds, (int depth))
{
    auto count = std::make_shared<int>(0);

    try {
        return unwind(depth, count);
    } catch (const std::exception &e) {
        return *count + static_cast<int>(std::strlen(e.what()));
    }
}

SCONCE_EXPORT(int, count, (sconce_str word))
{
    local.push_back(0);
    return ++counted[std::string(word.data, word.length)] * 100 + static_cast<int>(local.size());
}

SCONCE_EXPORT(void, stream, (double number))
{
    std::ostringstream text;

    text << "number " << number;
    std::cout << text.str() << "; ";
    std::cout << std::hex << 255 << std::endl;
}

SCONCE_EXPORT(int, ask, (int value))
{
    return host_echo_i32(value) + 1;
}

SCONCE_EXPORT(int, uncaught, (void))
{
    throw std::runtime_error("nobody catches this");
}

static void throw_it(struct sconce_fault_report *, struct sconce_guest_regs *)
{
    throw std::runtime_error("thrown in the handler");
}

// Nothing can be thrown through a fault: neither this catch nor the host sees it.
SCONCE_EXPORT(int, throw_in_handler, (void))
{
    int *volatile nowhere = reinterpret_cast<int *>(8);

    try {
        return sconce_on_fault(throw_it) ? 0 : *nowhere;
    } catch (const std::exception &) {
        return 1;
    }
}
