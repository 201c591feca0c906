/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How SCONCE_EXPORT and SCONCE_IMPORT work; included by guest.h alone, nothing here is API.
 *
 * "int32_t a" is a parameter declaration, so `(void (*)(int32_t a))0` is an expression whose type
 * tells the parameter's type, and _Generic turns that into a signature letter, into the function
 * that fetches such an argument, or, with __typeof__, back into the type under a name of our own.
 * Types without an association are errors of the compiler. "(void)" is found by pasting its first
 * token to a name; no other parameter may start with void.
 */
#ifndef SCONCE_GUEST_MACROS_H
#define SCONCE_GUEST_MACROS_H

/* ---- Tables ---------------------------------------------------------------------------------- */

#ifdef __cplusplus
extern "C" {
#endif

struct sconce_call; /* the call that is running */

/* struct sconce_function with pointers, for the compiler to relocate. */
struct sconce_table_entry {
    uint32_t bytes;
    uint32_t flags;
    const char *name;
    void (*entry)(struct sconce_call *call);
    char signature[SCONCE_SIGNATURE_BYTES];
};
SCONCE_GUEST_ASSERT(sizeof(struct sconce_table_entry) == sizeof(struct sconce_function) &&
                        offsetof(struct sconce_table_entry, name) ==
                            offsetof(struct sconce_function, name) &&
                        offsetof(struct sconce_table_entry, entry) ==
                            offsetof(struct sconce_function, entry) &&
                        offsetof(struct sconce_table_entry, signature) ==
                            offsetof(struct sconce_function, signature),
                    "both layouts are one");

/* retain: without it --gc-sections drops the tables. The alignment keeps compilers from giving
 * single entries a larger one, which would tear the array. */
#if defined(__has_attribute)
#if __has_attribute(retain)
#define SCONCE_TABLE_ATTRIBUTE(section_)                                                           \
    __attribute__((__section__(section_), __used__, __retain__, __aligned__(8)))
#endif
#endif
#ifndef SCONCE_TABLE_ATTRIBUTE
#define SCONCE_TABLE_ATTRIBUTE(section_)                                                           \
    __attribute__((__section__(section_), __used__, __aligned__(8)))
#endif

/* ---- Fetching arguments, giving results ------------------------------------------------------ */

bool sconce_arg_bool(const struct sconce_call *call, unsigned i);
int32_t sconce_arg_i32(const struct sconce_call *call, unsigned i);
uint32_t sconce_arg_u32(const struct sconce_call *call, unsigned i);
int64_t sconce_arg_i64(const struct sconce_call *call, unsigned i);
uint64_t sconce_arg_u64(const struct sconce_call *call, unsigned i);
float sconce_arg_f32(const struct sconce_call *call, unsigned i);
double sconce_arg_f64(const struct sconce_call *call, unsigned i);
sconce_str sconce_arg_str(const struct sconce_call *call, unsigned i);
const char *sconce_arg_text(const struct sconce_call *call, unsigned i);
sconce_bytes sconce_arg_bytes(const struct sconce_call *call, unsigned i);

void sconce_result_bool(struct sconce_call *call, bool value);
void sconce_result_i32(struct sconce_call *call, int32_t value);
void sconce_result_u32(struct sconce_call *call, uint32_t value);
void sconce_result_i64(struct sconce_call *call, int64_t value);
void sconce_result_u64(struct sconce_call *call, uint64_t value);
void sconce_result_f32(struct sconce_call *call, float value);
void sconce_result_f64(struct sconce_call *call, double value);
void sconce_result_str(struct sconce_call *call, sconce_str value);
void sconce_result_text(struct sconce_call *call, const char *value);
void sconce_result_bytes(struct sconce_call *call, sconce_bytes value);

/* ---- Calling the host: begin, put each argument, call, take the reply ------------------------ */

void sconce_import_begin(const struct sconce_table_entry *entry, unsigned arg_count);
void sconce_import_call(void);

void sconce_put_bool(unsigned i, bool value);
void sconce_put_i32(unsigned i, int32_t value);
void sconce_put_u32(unsigned i, uint32_t value);
void sconce_put_i64(unsigned i, int64_t value);
void sconce_put_u64(unsigned i, uint64_t value);
void sconce_put_f32(unsigned i, float value);
void sconce_put_f64(unsigned i, double value);
void sconce_put_str(unsigned i, sconce_str value);
void sconce_put_text(unsigned i, const char *value);
void sconce_put_bytes(unsigned i, sconce_bytes value);

bool sconce_reply_bool(void);
int32_t sconce_reply_i32(void);
uint32_t sconce_reply_u32(void);
int64_t sconce_reply_i64(void);
uint64_t sconce_reply_u64(void);
float sconce_reply_f32(void);
double sconce_reply_f64(void);
sconce_str sconce_reply_str(void);
const char *sconce_reply_text(void);
sconce_bytes sconce_reply_bytes(void);

/* ---- Preprocessor tools ---------------------------------------------------------------------- */

#define SCONCE_CAT(a, b) SCONCE_CAT_(a, b)
#define SCONCE_CAT_(a, b) a##b
#define SCONCE_SECOND(...) SCONCE_SECOND_(__VA_ARGS__)
#define SCONCE_SECOND_(a, b, ...) b
#define SCONCE_UNWRAP(...) __VA_ARGS__
#define SCONCE_APPLY(macro, params) macro params

/* 1 when the first token is void, else 0. */
#define SCONCE_FIRST_IS_void ~, 1
#define SCONCE_IS_VOID(...) SCONCE_IS_VOID_(__VA_ARGS__, ~)
#define SCONCE_IS_VOID_(first, ...) SCONCE_SECOND(SCONCE_FIRST_IS_##first, 0, ~)

/* The number of parameters; more than 16 gives a name that is not defined. */
#define SCONCE_ARITY(...) SCONCE_CAT(SCONCE_ARITY_, SCONCE_IS_VOID(__VA_ARGS__))(__VA_ARGS__)
#define SCONCE_ARITY_1(...) 0
#define SCONCE_ARITY_0(...)                                                                        \
    SCONCE_COUNT(__VA_ARGS__, TOO_MANY_PARAMETERS, TOO_MANY_PARAMETERS, TOO_MANY_PARAMETERS,       \
                 TOO_MANY_PARAMETERS, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, ~)
#define SCONCE_COUNT(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, count, ...) count

/* macro(n, k, parameter) for each parameter, with commas between; n is the number of parameters, k
 * counts down from n to 1. */
#define SCONCE_FOR(macro, params) SCONCE_FOR_(macro, SCONCE_UNWRAP params)
#define SCONCE_FOR_(macro, ...)                                                                    \
    SCONCE_CAT(SCONCE_FOR_, SCONCE_ARITY(__VA_ARGS__))                                             \
    (macro, SCONCE_ARITY(__VA_ARGS__), __VA_ARGS__)
#define SCONCE_FOR_0(m, n, p)
#define SCONCE_FOR_1(m, n, p) m(n, 1, p)
#define SCONCE_FOR_2(m, n, p, ...) m(n, 2, p), SCONCE_FOR_1(m, n, __VA_ARGS__)
#define SCONCE_FOR_3(m, n, p, ...) m(n, 3, p), SCONCE_FOR_2(m, n, __VA_ARGS__)
#define SCONCE_FOR_4(m, n, p, ...) m(n, 4, p), SCONCE_FOR_3(m, n, __VA_ARGS__)
#define SCONCE_FOR_5(m, n, p, ...) m(n, 5, p), SCONCE_FOR_4(m, n, __VA_ARGS__)
#define SCONCE_FOR_6(m, n, p, ...) m(n, 6, p), SCONCE_FOR_5(m, n, __VA_ARGS__)
#define SCONCE_FOR_7(m, n, p, ...) m(n, 7, p), SCONCE_FOR_6(m, n, __VA_ARGS__)
#define SCONCE_FOR_8(m, n, p, ...) m(n, 8, p), SCONCE_FOR_7(m, n, __VA_ARGS__)
#define SCONCE_FOR_9(m, n, p, ...) m(n, 9, p), SCONCE_FOR_8(m, n, __VA_ARGS__)
#define SCONCE_FOR_10(m, n, p, ...) m(n, 10, p), SCONCE_FOR_9(m, n, __VA_ARGS__)
#define SCONCE_FOR_11(m, n, p, ...) m(n, 11, p), SCONCE_FOR_10(m, n, __VA_ARGS__)
#define SCONCE_FOR_12(m, n, p, ...) m(n, 12, p), SCONCE_FOR_11(m, n, __VA_ARGS__)
#define SCONCE_FOR_13(m, n, p, ...) m(n, 13, p), SCONCE_FOR_12(m, n, __VA_ARGS__)
#define SCONCE_FOR_14(m, n, p, ...) m(n, 14, p), SCONCE_FOR_13(m, n, __VA_ARGS__)
#define SCONCE_FOR_15(m, n, p, ...) m(n, 15, p), SCONCE_FOR_14(m, n, __VA_ARGS__)
#define SCONCE_FOR_16(m, n, p, ...) m(n, 16, p), SCONCE_FOR_15(m, n, __VA_ARGS__)

#ifdef __cplusplus
}
#include "guest-cxx.h"
#else

/* ---- What a type selects --------------------------------------------------------------------- */

/* The order of the choices: bool, i32, u32, i64 and u64 as long, i64 and u64 as long long, f32,
 * f64, sconce_str, const char *, sconce_bytes. */
/* clang-format off */
#define SCONCE_BY_PARAM(p, b, i, u, l, m, ll, mm, f, d, s, t, y)                                   \
    _Generic((void (*)(p))0,                                                                       \
             void (*)(bool): b,                                                                    \
             void (*)(int): i,                                                                     \
             void (*)(unsigned): u,                                                                \
             void (*)(long): l,                                                                    \
             void (*)(unsigned long): m,                                                           \
             void (*)(long long): ll,                                                              \
             void (*)(unsigned long long): mm,                                                     \
             void (*)(float): f,                                                                   \
             void (*)(double): d,                                                                  \
             void (*)(sconce_str): s,                                                              \
             void (*)(const char *): t,                                                            \
             void (*)(sconce_bytes): y)
#define SCONCE_BY_RESULT(r, n, b, i, u, l, m, f, d, s, t, y)                                       \
    _Generic((r (*)(void))0,                                                                       \
             void (*)(void): n,                                                                    \
             bool (*)(void): b,                                                                    \
             int (*)(void): i,                                                                     \
             unsigned (*)(void): u,                                                                \
             long (*)(void): l,                                                                    \
             unsigned long (*)(void): m,                                                           \
             long long (*)(void): l,                                                               \
             unsigned long long (*)(void): m,                                                      \
             float (*)(void): f,                                                                   \
             double (*)(void): d,                                                                  \
             sconce_str (*)(void): s,                                                              \
             const char *(*)(void): t,                                                             \
             sconce_bytes (*)(void): y)
/* clang-format on */
_Static_assert(sizeof(int) == 4 && sizeof(long) == 8 && sizeof(long long) == 8, "LP64");

#define SCONCE_LETTER(n, k, p)                                                                     \
    [(n) - (k) + 1] = SCONCE_BY_PARAM(p, SCONCE_TYPE_BOOL, SCONCE_TYPE_I32, SCONCE_TYPE_U32,       \
                                      SCONCE_TYPE_I64, SCONCE_TYPE_U64, SCONCE_TYPE_I64,           \
                                      SCONCE_TYPE_U64, SCONCE_TYPE_F32, SCONCE_TYPE_F64,           \
                                      SCONCE_TYPE_STRING, SCONCE_TYPE_STRING, SCONCE_TYPE_BYTES)
#define SCONCE_RESULT_LETTER(r)                                                                    \
    SCONCE_BY_RESULT(r, SCONCE_TYPE_NONE, SCONCE_TYPE_BOOL, SCONCE_TYPE_I32, SCONCE_TYPE_U32,      \
                     SCONCE_TYPE_I64, SCONCE_TYPE_U64, SCONCE_TYPE_F32, SCONCE_TYPE_F64,           \
                     SCONCE_TYPE_STRING, SCONCE_TYPE_STRING, SCONCE_TYPE_BYTES)

/* One entry of a table. */
#define SCONCE_TABLE_ENTRY(section_, variable_, name_, entry_, result_, params_)                   \
    static const struct sconce_table_entry variable_ SCONCE_TABLE_ATTRIBUTE(section_) = {          \
        sizeof(struct sconce_table_entry),                                                         \
        0,                                                                                         \
        name_,                                                                                     \
        entry_,                                                                                    \
        {[0] = SCONCE_RESULT_LETTER(result_), SCONCE_FOR(SCONCE_LETTER, params_)}}

/* An export's argument, fetched. */
#define SCONCE_ARG(n, k, p)                                                                        \
    SCONCE_BY_PARAM(p, sconce_arg_bool, sconce_arg_i32, sconce_arg_u32, sconce_arg_i64,            \
                    sconce_arg_u64, sconce_arg_i64, sconce_arg_u64, sconce_arg_f32,                \
                    sconce_arg_f64, sconce_arg_str, sconce_arg_text, sconce_arg_bytes)             \
    (sconce_call, (n) - (k))

/* The body of an export's thunk, for results other than void and for void. */
#define SCONCE_THUNK_0(r, name, params)                                                            \
    SCONCE_BY_RESULT(r, 0, sconce_result_bool, sconce_result_i32, sconce_result_u32,               \
                     sconce_result_i64, sconce_result_u64, sconce_result_f32, sconce_result_f64,   \
                     sconce_result_str, sconce_result_text, sconce_result_bytes)                   \
    (sconce_call, name(SCONCE_FOR(SCONCE_ARG, params)))
#define SCONCE_THUNK_1(r, name, params) name(SCONCE_FOR(SCONCE_ARG, params))

/* An import's parameters under names of our own. */
#define SCONCE_PARAM_LIST(params)                                                                  \
    SCONCE_CAT(SCONCE_PARAM_LIST_, SCONCE_APPLY(SCONCE_IS_VOID, params))(params)
#define SCONCE_PARAM_LIST_0(params) SCONCE_FOR(SCONCE_PARAM, params)
#define SCONCE_PARAM_LIST_1(params) void
#define SCONCE_PARAM(n, k, p)                                                                      \
    __typeof__(SCONCE_BY_PARAM(p, (bool)0, 0, 0u, 0l, 0ul, 0ll, 0ull, 0.0f, 0.0, *(sconce_str *)0, \
                               (const char *)0, *(sconce_bytes *)0)) sconce_p##k

/* An import's argument, sent. */
#define SCONCE_PUT(n, k, p)                                                                        \
    SCONCE_BY_PARAM(p, sconce_put_bool, sconce_put_i32, sconce_put_u32, sconce_put_i64,            \
                    sconce_put_u64, sconce_put_i64, sconce_put_u64, sconce_put_f32,                \
                    sconce_put_f64, sconce_put_str, sconce_put_text, sconce_put_bytes)             \
    ((n) - (k), sconce_p##k)

/* An import's result, for results other than void and for void. */
#define SCONCE_REPLY_0(r)                                                                          \
    return SCONCE_BY_RESULT(r, 0, sconce_reply_bool, sconce_reply_i32, sconce_reply_u32,           \
                            sconce_reply_i64, sconce_reply_u64, sconce_reply_f32,                  \
                            sconce_reply_f64, sconce_reply_str, sconce_reply_text,                 \
                            sconce_reply_bytes)()
#define SCONCE_REPLY_1(r) (void)0

#define SCONCE_EXPORT(result_, name_, params_)                                                     \
    result_ name_ params_;                                                                         \
    static void sconce_thunk_##name_(struct sconce_call *sconce_call)                              \
    {                                                                                              \
        (void)sconce_call;                                                                         \
        SCONCE_CAT(SCONCE_THUNK_, SCONCE_IS_VOID(result_))(result_, name_, params_);               \
    }                                                                                              \
    SCONCE_TABLE_ENTRY(SCONCE_SECTION_EXPORTS, sconce_export_##name_, #name_,                      \
                       sconce_thunk_##name_, result_, params_);                                    \
    _Static_assert(sizeof #name_ <= SCONCE_NAME_MAX + 1u, "the name is too long");                 \
    result_ name_ params_

#define SCONCE_IMPORT(result_, name_, params_)                                                     \
    result_ name_ params_;                                                                         \
    SCONCE_TABLE_ENTRY(SCONCE_SECTION_IMPORTS, sconce_import_##name_, #name_, NULL, result_,       \
                       params_);                                                                   \
    result_ name_(SCONCE_PARAM_LIST(params_))                                                      \
    {                                                                                              \
        sconce_import_begin(&sconce_import_##name_, SCONCE_APPLY(SCONCE_ARITY, params_));          \
        SCONCE_FOR(SCONCE_PUT, params_);                                                           \
        sconce_import_call();                                                                      \
        SCONCE_CAT(SCONCE_REPLY_, SCONCE_IS_VOID(result_))(result_);                               \
    }                                                                                              \
    _Static_assert(sizeof #name_ <= SCONCE_NAME_MAX + 1u, "the name is too long")

#endif /* __cplusplus */

#endif
