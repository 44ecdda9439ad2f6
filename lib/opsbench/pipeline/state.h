#ifndef OPSBENCH_PIPELINE_STATE_H_
#define OPSBENCH_PIPELINE_STATE_H_

// How far incremental streams have come, in a SQLite file: what lets a run that
// was killed at any moment go on without a lost or a doubled row.
//
// A step is stored as pending, with a marker and the cursor it reaches, before
// the destination commits; the destination stores the marker in the transaction
// of the rows; then the cursor is advanced. Who finds a pending step asks the
// destination for the marker, which waits for a transaction that may store it:
// there, the step was committed and is advanced now; not there, its rows were
// not either and it is dropped.
//
// One run at a time may hold the file: a lock beside it, which the kernel takes
// back when the process ends however it ends.
//
// Thread safety: for one thread at a time.

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/db/session.h"

namespace opsbench::pipeline {

// What a stream of a pipeline is known by.
struct StreamKey {
  std::string pipeline;
  std::string stream;
  std::string into;  // The destination's table.
};

struct StreamState {
  std::string cursor;          // Empty: nothing was read yet.
  std::string pending_marker;  // Empty: no step is pending.
  std::string pending_cursor;
};

class StateStore {
 public:
  // FailedPrecondition: another run holds it, or the file is a database that
  // opsbench did not make. Others as Connect().
  static absl::StatusOr<std::unique_ptr<StateStore>> Open(
      const std::string& path);
  ~StateStore();
  StateStore(const StateStore&) = delete;
  StateStore& operator=(const StateStore&) = delete;

  absl::StatusOr<StreamState> Read(const StreamKey& key);
  // Durable when it returns.
  absl::Status Write(const StreamKey& key, const StreamState& state);

 private:
  StateStore() = default;

  int lock_ = -1;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Statement> read_;
  std::unique_ptr<Statement> write_;
};

// "pipeline.stream.table/4f1d…": of one run alone, and under one name for all
// runs of the stream.
std::string NewMarker(const StreamKey& key);

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_STATE_H_
