/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCONCE_EXPORT and SCONCE_IMPORT in C++ (11 and later); included by guest.h alone, nothing here is
 * API. What guest-macros.h does by _Generic, templates do here: a function's type gives its
 * signature, fetches its arguments and sends its result. The functions have C linkage, as in C.
 */
#ifndef SCONCE_GUEST_CXX_H
#define SCONCE_GUEST_CXX_H

namespace sconce_sdk
{
/* ---- What a type selects --------------------------------------------------------------------- */

template <class T> struct type; /* no other type crosses: an error of the compiler */

#define SCONCE_TYPE_OF(cxx_, letter_, get_, put_, give_, take_)                                    \
    template <> struct type<cxx_> {                                                                \
        static constexpr char letter = letter_;                                                    \
        static cxx_ get(const sconce_call *call, unsigned i)                                       \
        {                                                                                          \
            return get_(call, i);                                                                  \
        }                                                                                          \
        static void put(unsigned i, cxx_ value)                                                    \
        {                                                                                          \
            put_(i, value);                                                                        \
        }                                                                                          \
        static void give(sconce_call *call, cxx_ value)                                            \
        {                                                                                          \
            give_(call, value);                                                                    \
        }                                                                                          \
        static cxx_ take()                                                                         \
        {                                                                                          \
            return take_();                                                                        \
        }                                                                                          \
    }
#define SCONCE_TYPE_NAMED(cxx_, letter_, name_)                                                    \
    SCONCE_TYPE_OF(cxx_, letter_, sconce_arg_##name_, sconce_put_##name_, sconce_result_##name_,   \
                   sconce_reply_##name_)

SCONCE_TYPE_NAMED(bool, SCONCE_TYPE_BOOL, bool);
SCONCE_TYPE_NAMED(int, SCONCE_TYPE_I32, i32);
SCONCE_TYPE_NAMED(unsigned, SCONCE_TYPE_U32, u32);
SCONCE_TYPE_NAMED(long, SCONCE_TYPE_I64, i64);
SCONCE_TYPE_NAMED(unsigned long, SCONCE_TYPE_U64, u64);
SCONCE_TYPE_NAMED(long long, SCONCE_TYPE_I64, i64);
SCONCE_TYPE_NAMED(unsigned long long, SCONCE_TYPE_U64, u64);
SCONCE_TYPE_NAMED(float, SCONCE_TYPE_F32, f32);
SCONCE_TYPE_NAMED(double, SCONCE_TYPE_F64, f64);
SCONCE_TYPE_NAMED(sconce_str, SCONCE_TYPE_STRING, str);
SCONCE_TYPE_NAMED(const char *, SCONCE_TYPE_STRING, text);
SCONCE_TYPE_NAMED(sconce_bytes, SCONCE_TYPE_BYTES, bytes);

#undef SCONCE_TYPE_NAMED
#undef SCONCE_TYPE_OF

template <> struct type<void> {
    static constexpr char letter = SCONCE_TYPE_NONE;
    static void take()
    {
    }
};

/* ---- Numbers of arguments: std::index_sequence, which C++11 lacks ------------------------------
 */

template <unsigned... I> struct numbers {
};
template <unsigned N, unsigned... I> struct count : count<N - 1, N - 1, I...> {
};
template <unsigned... I> struct count<0, I...> {
    typedef numbers<I...> list;
};

/* ---- Functions ------------------------------------------------------------------------------- */

/* function<int(int)> *: which one of several that have the name, std's among them. */
template <class F> using function = F;

template <class R, class... A>
constexpr sconce_table_entry entry(const char *name, void (*thunk)(sconce_call *), R (*)(A...))
{
    static_assert(sizeof...(A) <= SCONCE_MAX_PARAMS, "too many parameters");
    return {sizeof(sconce_table_entry), 0, name, thunk, {type<R>::letter, type<A>::letter...}};
}

template <class R> struct result {
    template <class F, class... V> static void of(sconce_call *call, F f, V... values)
    {
        type<R>::give(call, f(values...));
    }
};
template <> struct result<void> {
    template <class F, class... V> static void of(sconce_call *, F f, V... values)
    {
        f(values...);
    }
};

template <class R, class... A, unsigned... I>
void run_with(sconce_call *call, R (*f)(A...), numbers<I...>)
{
    result<R>::of(call, f, type<A>::get(call, I)...);
}

/* What an export's thunk does. An exception that nobody catches ends the guest. */
template <class R, class... A> void run(sconce_call *call, R (*f)(A...)) noexcept
{
    run_with(call, f, typename count<sizeof...(A)>::list());
}

inline void put_all(unsigned)
{
}
template <class V, class... More> void put_all(unsigned i, V value, More... more)
{
    type<V>::put(i, value);
    put_all(i + 1, more...);
}

/* What an import does: ask<R>(entry)(arguments). */
template <class R> struct ask {
    const sconce_table_entry *import;
    template <class... A> R operator()(A... args) const
    {
        sconce_import_begin(import, sizeof...(A));
        put_all(0, args...);
        sconce_import_call();
        return type<R>::take();
    }
};

/* The type of a function's parameter number I. */
template <unsigned I, class F> struct parameter;
template <class R, class First, class... More> struct parameter<0, R(First, More...)> {
    typedef First is;
};
template <unsigned I, class R, class First, class... More>
struct parameter<I, R(First, More...)> : parameter<I - 1, R(More...)> {
};
} // namespace sconce_sdk

#define SCONCE_EXPORT(result_, name_, params_)                                                     \
    extern "C" result_ name_ params_;                                                              \
    static void sconce_thunk_##name_(struct sconce_call *sconce_call)                              \
    {                                                                                              \
        ::sconce_sdk::run(sconce_call, SCONCE_CXX_ADDRESS(result_, name_, params_));               \
    }                                                                                              \
    static const struct sconce_table_entry sconce_export_##name_ SCONCE_TABLE_ATTRIBUTE(           \
        SCONCE_SECTION_EXPORTS) =                                                                  \
        ::sconce_sdk::entry(#name_, sconce_thunk_##name_,                                          \
                            SCONCE_CXX_ADDRESS(result_, name_, params_));                          \
    static_assert(sizeof #name_ <= SCONCE_NAME_MAX + 1u, "the name is too long");                  \
    extern "C" result_ name_ params_

#define SCONCE_IMPORT(result_, name_, params_)                                                     \
    extern "C" result_ name_ params_;                                                              \
    static const struct sconce_table_entry sconce_import_##name_ SCONCE_TABLE_ATTRIBUTE(           \
        SCONCE_SECTION_IMPORTS) =                                                                  \
        ::sconce_sdk::entry(#name_, nullptr, SCONCE_CXX_ADDRESS(result_, name_, params_));         \
    extern "C" result_ name_(SCONCE_CXX_FOR(SCONCE_CXX_PARAM, params_, result_ params_))           \
    {                                                                                              \
        return ::sconce_sdk::ask<result_>{&sconce_import_##name_}(                                 \
            SCONCE_CXX_FOR(SCONCE_CXX_ARG, params_, ~));                                           \
    }                                                                                              \
    static_assert(sizeof #name_ <= SCONCE_NAME_MAX + 1u, "the name is too long")

#define SCONCE_CXX_ADDRESS(result_, name_, params_)                                                \
    static_cast<::sconce_sdk::function<result_ params_> *>(&name_)

/* The parameters, and the arguments, under names of our own. */
#define SCONCE_CXX_PARAM(i_, type_) ::sconce_sdk::parameter<i_, type_>::is sconce_p##i_
#define SCONCE_CXX_ARG(i_, type_) sconce_p##i_

/* m(0, t), m(1, t), ... for as many parameters as there are. */
#define SCONCE_CXX_FOR(m, params_, t)                                                              \
    SCONCE_CAT(SCONCE_CXX_FOR_, SCONCE_APPLY(SCONCE_ARITY, params_))(m, t)
#define SCONCE_CXX_FOR_0(m, t)
#define SCONCE_CXX_FOR_1(m, t) m(0, t)
#define SCONCE_CXX_FOR_2(m, t) SCONCE_CXX_FOR_1(m, t), m(1, t)
#define SCONCE_CXX_FOR_3(m, t) SCONCE_CXX_FOR_2(m, t), m(2, t)
#define SCONCE_CXX_FOR_4(m, t) SCONCE_CXX_FOR_3(m, t), m(3, t)
#define SCONCE_CXX_FOR_5(m, t) SCONCE_CXX_FOR_4(m, t), m(4, t)
#define SCONCE_CXX_FOR_6(m, t) SCONCE_CXX_FOR_5(m, t), m(5, t)
#define SCONCE_CXX_FOR_7(m, t) SCONCE_CXX_FOR_6(m, t), m(6, t)
#define SCONCE_CXX_FOR_8(m, t) SCONCE_CXX_FOR_7(m, t), m(7, t)
#define SCONCE_CXX_FOR_9(m, t) SCONCE_CXX_FOR_8(m, t), m(8, t)
#define SCONCE_CXX_FOR_10(m, t) SCONCE_CXX_FOR_9(m, t), m(9, t)
#define SCONCE_CXX_FOR_11(m, t) SCONCE_CXX_FOR_10(m, t), m(10, t)
#define SCONCE_CXX_FOR_12(m, t) SCONCE_CXX_FOR_11(m, t), m(11, t)
#define SCONCE_CXX_FOR_13(m, t) SCONCE_CXX_FOR_12(m, t), m(12, t)
#define SCONCE_CXX_FOR_14(m, t) SCONCE_CXX_FOR_13(m, t), m(13, t)
#define SCONCE_CXX_FOR_15(m, t) SCONCE_CXX_FOR_14(m, t), m(14, t)
#define SCONCE_CXX_FOR_16(m, t) SCONCE_CXX_FOR_15(m, t), m(15, t)

#endif
