#ifndef OPSBENCH_MEMTABLE_EXAMPLE_H_
#define OPSBENCH_MEMTABLE_EXAMPLE_H_

// Users in PostgreSQL, with writes buffered in memory. Many threads may use the
// memtable at once, but not the session that reads through to the database.
#include "opsbench/memtable/memtable.h"
#include "opsbench/memtable/sql_persister.h"

namespace om = opsbench::memtable;

struct User {
  int64_t id = 0;
  int64_t team = 0;
  std::string_view email;
};
using Users = om::Schema<User, om::Key<"id", &User::id>,
                         om::Field<"team", &User::team, om::kEquality>,
                         om::Field<"email", &User::email>>;

class UserRepository {
 public:
  absl::Status Open(const opsbench::Url& url) {
    OPSBENCH_ASSIGN_OR_RETURN(session_, opsbench::Connect(url));
    OPSBENCH_ASSIGN_OR_RETURN(persister_,
                              om::SqlPersister<Users>::Open(url, "users"));
    OPSBENCH_ASSIGN_OR_RETURN(table_,
                              om::Memtable<Users>::Open({}, persister_.get()));
    return absl::OkStatus();
  }
  absl::Status Save(const User& user) { return table_->Upsert(user); }
  absl::Status Remove(int64_t id) { return table_->Delete(id); }

  absl::StatusOr<std::string> EmailOf(int64_t id) {
    const auto pin = table_->Pin();  // The row is valid as long as this.
    const User* user = nullptr;
    const om::Presence known = pin.Lookup(id, &user);
    if (known == om::Presence::kHere) return std::string(user->email);
    if (known == om::Presence::kUnknown) {
      OPSBENCH_RETURN_IF_ERROR(Query("email FROM users WHERE id = ", id));
      if (rows_.row_count() > 0) return std::string(rows_.at(0, 0).text());
    }
    return absl::NotFoundError("no such user");
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
      const User* known = nullptr;  // What is overrules the database.
      if (snapshot.Lookup(id, &known) == om::Presence::kUnknown) {
        ids.push_back(id);
      }
    }
    return ids;
  }

 private:
  absl::Status Query(const char* what, int64_t number) {
    return session_->Query(absl::StrCat("SELECT ", what, number), &rows_);
  }
  std::unique_ptr<opsbench::Session> session_;
  opsbench::ResultSet rows_;
  std::unique_ptr<om::SqlPersister<Users>> persister_;
  std::unique_ptr<om::Memtable<Users>> table_;
};

#endif  // OPSBENCH_MEMTABLE_EXAMPLE_H_
