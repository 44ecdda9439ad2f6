#ifndef OPSBENCH_MEMTABLE_EXAMPLE_H_
#define OPSBENCH_MEMTABLE_EXAMPLE_H_

// Users in PostgreSQL, buffered in memory. For one thread at a time.
#include "opsbench/memtable/memtable.h"
#include "opsbench/memtable/sql_persister.h"

namespace om = opsbench::memtable;
struct User {
  int64_t id = 0, team = 0;
  std::string_view email;
};
using Users = om::Schema<User, om::Key<"id", &User::id>,
                         om::Field<"team", &User::team, om::kEquality>,
                         om::Field<"email", &User::email>>;
class UserRepository {
 public:
  absl::Status Open(const opsbench::Url& url) {
    OPSBENCH_ASSIGN_OR_RETURN(session_, opsbench::Connect(url));
    OPSBENCH_ASSIGN_OR_RETURN(persister_, Persister::Open(url, "users"));
    OPSBENCH_ASSIGN_OR_RETURN(table_, Table::Open({}, persister_.get()));
    return absl::OkStatus();
  }
  absl::Status Save(const User& user) { return table_->Upsert(user); }
  absl::Status Remove(int64_t id) { return table_->Delete(id); }
  absl::StatusOr<std::string> EmailOf(int64_t id) {
    const auto pin = table_->Pin();  // The row is valid as long as this.
    const User* user = nullptr;
    const om::Presence known = pin.Lookup(id, &user);
    if (known == om::Presence::kHere) return std::string(user->email);
    if (known == om::Presence::kRemoved) return absl::NotFoundError("removed");
    OPSBENCH_RETURN_IF_ERROR(Query("email FROM users WHERE id = ", id));
    if (rows_.row_count() == 0) return absl::NotFoundError("no such user");
    return std::string(rows_.at(0, 0).text());
  }
  absl::StatusOr<std::vector<int64_t>> IdsOf(int64_t team) {
    const auto snapshot = table_->TakeSnapshot();
    std::vector<const User*> users;
    snapshot.FindBy<&User::team>(team, &users);
    std::vector<int64_t> ids;
    for (const User* user : users) ids.push_back(user->id);
    OPSBENCH_RETURN_IF_ERROR(Query("id FROM users WHERE team = ", team));
    for (size_t i = 0; i < rows_.row_count(); ++i) {
      const int64_t id = rows_.at(i, 0).int64();
      const User* user = nullptr;  // What is known of it overrules this row.
      const om::Presence known = snapshot.Lookup(id, &user);
      if (known == om::Presence::kUnknown) ids.push_back(id);
    }
    return ids;
  }

 private:
  using Persister = om::SqlPersister<Users>;
  using Table = om::Memtable<Users>;
  absl::Status Query(const char* what, int64_t number) {
    return session_->Query(absl::StrCat("SELECT ", what, number), &rows_);
  }
  opsbench::ResultSet rows_;
  std::unique_ptr<opsbench::Session> session_;
  std::unique_ptr<Persister> persister_;
  std::unique_ptr<Table> table_;  // Ends, and flushes, before its persister.
};

#endif  // OPSBENCH_MEMTABLE_EXAMPLE_H_
