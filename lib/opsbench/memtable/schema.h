#ifndef OPSBENCH_MEMTABLE_SCHEMA_H_
#define OPSBENCH_MEMTABLE_SCHEMA_H_

// What a memtable's rows look like: the row type, its primary key and its
// indexes, named once and known to the compiler.
//
//   struct Item {
//     int64_t id;
//     std::string_view name;
//     int64_t category;
//   };
//   using ItemSchema = Schema<
//       Item, Key<"id", &Item::id>,
//       Field<"name", &Item::name, kEquality | kOrdered>,
//       Field<"category", &Item::category, kEquality>>;
//
// A row is a plain struct of integers, enums, floating point, bool and
// std::string_view. Every member that is a view must be named as a key or a
// field: the memtable copies what it points at, and points it at the copy. What
// is not named, and no view, is copied as it is.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace opsbench::memtable {

// A string literal as a template argument.
template <size_t N>
struct FixedString {
  // Not explicit: "id" stands for it in an argument list.
  // NOLINTNEXTLINE(google-explicit-constructor)
  constexpr FixedString(const char (&text)[N]) {
    for (size_t i = 0; i < N; ++i) {
      data[i] = text[i];
    }
  }
  constexpr std::string_view view() const { return {data, N - 1}; }

  char data[N] = {};
};

// Which indexes a field has; joined by |.
inline constexpr unsigned kNoIndex = 0;
inline constexpr unsigned kEquality = 1;  // FindBy: many rows for a value.
inline constexpr unsigned kOrdered = 2;   // FindRange, FindPrefix.

// Each costs a link of 4 bytes in every version of a row.
inline constexpr int kMaxIndexes = 8;

namespace internal {

template <typename Pointer>
struct MemberOf;
template <typename R, typename V>
struct MemberOf<V R::*> {
  using Row = R;
  using Value = V;
};

}  // namespace internal

template <FixedString kNameLiteral, auto kMemberPointer,
          unsigned kIndexKinds = kNoIndex>
struct Field {
  using Row = typename internal::MemberOf<
      std::remove_cv_t<decltype(kMemberPointer)>>::Row;
  using Value = typename internal::MemberOf<
      std::remove_cv_t<decltype(kMemberPointer)>>::Value;
  static constexpr std::string_view kName = kNameLiteral.view();
  static constexpr auto kMember = kMemberPointer;
  static constexpr unsigned kIndexes = kIndexKinds;
  static constexpr bool kIsString = std::is_same_v<Value, std::string_view>;

  static_assert(std::is_arithmetic_v<Value> || std::is_enum_v<Value> ||
                    kIsString,
                "a field is an integer, an enum, floating point, bool or "
                "std::string_view");
  static_assert(kIndexes == kNoIndex || std::is_integral_v<Value> || kIsString,
                "an indexed field is an integer or a std::string_view");
  static_assert((kIndexes & ~(kEquality | kOrdered)) == 0,
                "indexes are kEquality and kOrdered");
};

// The primary key: a 64-bit integer or a string, unique.
template <FixedString kNameLiteral, auto kMemberPointer>
struct Key : Field<kNameLiteral, kMemberPointer> {
  using Value = typename Field<kNameLiteral, kMemberPointer>::Value;
  static_assert(std::is_same_v<Value, int64_t> ||
                    std::is_same_v<Value, uint64_t> ||
                    std::is_same_v<Value, std::string_view>,
                "a key is int64_t, uint64_t or std::string_view");
};

// One index, as the memtable numbers them: in the order of the fields, a
// field's equality index before its ordered one.
struct IndexInfo {
  size_t field = 0;  // Position in Schema::Fields.
  bool ordered = false;
  std::string_view name;  // The field's.
};

template <typename RowType, typename KeyField, typename... Others>
struct Schema {
  using Row = RowType;
  using KeyType = typename KeyField::Value;
  using PrimaryKey = KeyField;
  using Fields = std::tuple<KeyField, Others...>;  // The key is the first.

  static constexpr size_t kFields = 1 + sizeof...(Others);
  static constexpr auto kKeyMember = KeyField::kMember;

  static_assert(std::is_trivially_copyable_v<Row> &&
                    std::is_default_constructible_v<Row>,
                "a row is a plain struct; strings are std::string_view");
  static_assert((std::is_same_v<typename Others::Row, Row> && ... &&
                 std::is_same_v<typename KeyField::Row, Row>),
                "every field is a member of the row");

  static constexpr int kIndexCount =
      (0 + ... +
       (((Others::kIndexes & kEquality) != 0 ? 1 : 0) +
        ((Others::kIndexes & kOrdered) != 0 ? 1 : 0)));
  static_assert(kIndexCount <= kMaxIndexes,
                "more indexes than a memtable supports (kMaxIndexes)");

  static constexpr std::array<IndexInfo, kIndexCount> Indexes() {
    std::array<IndexInfo, kIndexCount> result{};
    size_t next = 0;
    size_t field = 0;
    const auto add = [&](unsigned kinds, std::string_view name) {
      ++field;
      if ((kinds & kEquality) != 0) {
        result[next++] = IndexInfo{field, false, name};
      }
      if ((kinds & kOrdered) != 0) {
        result[next++] = IndexInfo{field, true, name};
      }
    };
    (add(Others::kIndexes, Others::kName), ...);
    return result;
  }

  // The number of the index on `member` of this kind; kIndexCount: none.
  template <auto member, bool ordered>
  static constexpr int IndexOn() {
    int index = 0;
    int found = kIndexCount;
    const auto look = [&]<typename F>(F*) {
      const bool here = SameMember<F::kMember, member>();
      if ((F::kIndexes & kEquality) != 0) {
        found = here && !ordered ? index : found;
        ++index;
      }
      if ((F::kIndexes & kOrdered) != 0) {
        found = here && ordered ? index : found;
        ++index;
      }
    };
    (look(static_cast<Others*>(nullptr)), ...);
    return found;
  }

  // Calls fn(field, number) for each index, `field` a pointer that names its
  // type.
  template <typename Fn>
  static constexpr void ForEachIndex(Fn&& fn) {
    [&]<size_t... I>(std::index_sequence<I...>) {
      (fn(static_cast<std::tuple_element_t<Indexes()[I].field, Fields>*>(
              nullptr),
          std::integral_constant<int, static_cast<int>(I)>{}),
       ...);
    }
    (std::make_index_sequence<kIndexCount>{});
  }

  template <typename Fn>
  static constexpr void ForEachField(Fn&& fn) {
    fn(static_cast<KeyField*>(nullptr));
    (fn(static_cast<Others*>(nullptr)), ...);
  }

  // The bytes of a row: the struct and what its views point at.
  static size_t RowBytes(const Row& row) {
    return sizeof(Row) + StringBytes(row);
  }
  static size_t StringBytes(const Row& row) {
    size_t bytes = 0;
    ForEachField([&]<typename F>(F*) {
      if constexpr (F::kIsString) {
        bytes += (row.*F::kMember).size();
      }
    });
    return bytes;
  }

 private:
  template <auto a, auto b>
  static constexpr bool SameMember() {
    if constexpr (std::is_same_v<decltype(a), decltype(b)>) {
      return a == b;
    } else {
      return false;
    }
  }
};

}  // namespace opsbench::memtable

#endif  // OPSBENCH_MEMTABLE_SCHEMA_H_
