#include "tests/differential/workers.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/check.h"

namespace tandem::cpu {
namespace {

// A report is its fields with a separator behind each, and a mark at the end.
constexpr char kFieldEnd = '\x1e', kReportEnd = '\x1d';
constexpr int kHangMs = 60'000, kHangAtEndMs = 10'000;
constexpr int kUnusable = 2;  // exit status: the test's addresses are taken

std::string Serialise(const Finding& finding) {
  std::string text = fmt::format("{}{}", static_cast<int>(finding.side), kFieldEnd);
  text += fmt::format("{}{}", finding.is_undefined ? 1 : 0, kFieldEnd);
  for (const std::string* field : {&finding.name, &finding.row, &finding.details}) {
    text += *field + kFieldEnd;
  }
  return text + kReportEnd;
}

Finding Parse(const std::string& report) {
  std::vector<std::string> fields;
  for (size_t at = 0; at < report.size();) {
    const size_t end = report.find(kFieldEnd, at);
    fields.push_back(report.substr(at, end - at));
    at = end + 1;
  }
  CHECK(fields.size() == 5);
  return {static_cast<Side>(std::stoi(fields[0])), fields[1] == "1", fields[2], fields[3],
          fields[4]};
}

void WriteAll(int fd, const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    const ssize_t written = ::write(fd, text.data() + at, text.size() - at);
    if (written < 0 && errno != EINTR) {
      ::_exit(1);  // the parent is gone
    }
    at += static_cast<size_t>(std::max<ssize_t>(written, 0));
  }
}

}  // namespace

Workers::Workers(Board& board, const std::vector<Form>& forms, u64 seed, Choice choice, Range range,
                 size_t count, u64 kvm_rate)
    : board_(board),
      forms_(forms),
      seed_(seed),
      choice_(choice),
      range_(range),
      kvm_rate_(kvm_rate),
      workers_(count) {
  for (size_t index = 0; index < count; ++index) {
    board_.worker(index).batch = range.first + index;
  }
  for (size_t index = 0; index < count; ++index) {
    int ends[2];
    CHECK(::pipe(ends) == 0);
    UniqueFd write_end(ends[1]);
    workers_[index].reports = UniqueFd(ends[0]);
    const pid_t pid = ::fork();
    CHECK(pid >= 0);
    if (pid == 0) {
      RunWorker(index, write_end.get());
    }
    workers_[index].pid = pid;
  }
}

Workers::~Workers() {
  for (const Worker& worker : workers_) {
    if (worker.is_running) {
      ::kill(worker.pid, SIGKILL);
      ::waitpid(worker.pid, nullptr, 0);
    }
  }
}

void Workers::RunWorker(size_t index, int reports) const {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto parties = std::make_unique<Parties>();
  if (!parties->is_usable()) {
    ::_exit(kUnusable);
  }
  const auto report = [reports](const Finding& finding) { WriteAll(reports, Serialise(finding)); };
  const auto batches =
      std::make_unique<Batches>(*parties, forms_, seed_, choice_, kvm_rate_, board_.hits(), report);
  WorkerBoard& board = board_.worker(index);
  for (u64 batch = range_.first + index; batch < range_.end && !board_.must_stop();
       batch += workers_.size()) {
    board.batch = batch;
    batches->Run(batch);
    Post(batches->counts(), batches->allowances(), board);
    board.batch = batch + workers_.size();
  }
  ::_exit(0);
}

void Workers::Read(Worker& worker, const OnFinding& on_finding) {
  char buffer[4096];
  const ssize_t size = ::read(worker.reports.get(), buffer, sizeof(buffer));
  worker.unread.append(buffer, static_cast<size_t>(std::max<ssize_t>(size, 0)));
  for (size_t end; (end = worker.unread.find(kReportEnd)) != std::string::npos;) {
    on_finding(Parse(worker.unread.substr(0, end)));
    worker.unread.erase(0, end + 1);
  }
}

void Workers::End(size_t index, const OnFinding& on_finding) {
  Worker& worker = workers_[index];
  int status = 0;
  CHECK(::waitpid(worker.pid, &status, 0) == worker.pid);
  worker.is_running = false;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    return;
  }
  const std::string how = WIFSIGNALED(status) ? fmt::format("ended by signal {}", WTERMSIG(status))
                          : WEXITSTATUS(status) == kUnusable
                              ? std::string("could not start: the test's addresses are taken")
                              : fmt::format("ended with status {}", WEXITSTATUS(status));
  on_finding({Side::kTranslator, false, "worker", "",
              fmt::format("  a worker {}; again with: --seed {} --batch {}\n", how, seed_,
                          board_.worker(index).batch.load())});
}

void Workers::WatchForHang(size_t index, int waited_ms) {
  Worker& worker = workers_[index];
  const u64 batch = board_.worker(index).batch;
  worker.quiet_ms = batch == worker.last_batch ? worker.quiet_ms + waited_ms : 0;
  worker.last_batch = batch;
  if (worker.quiet_ms > (board_.must_stop() ? kHangAtEndMs : kHangMs)) {
    ::kill(worker.pid, SIGKILL);
  }
}

bool Workers::Wait(int timeout_ms, const OnFinding& on_finding) {
  std::vector<pollfd> fds;
  std::vector<size_t> indices;
  for (size_t index = 0; index < workers_.size(); ++index) {
    if (workers_[index].is_running) {
      fds.push_back({workers_[index].reports.get(), POLLIN, 0});
      indices.push_back(index);
    }
  }
  const int ready = ::poll(fds.data(), fds.size(), timeout_ms);
  for (size_t i = 0; i < fds.size(); ++i) {
    if ((fds[i].revents & POLLIN) != 0) {
      Read(workers_[indices[i]], on_finding);
    } else if (fds[i].revents != 0) {
      End(indices[i], on_finding);
    } else if (ready == 0) {
      WatchForHang(indices[i], timeout_ms);
    }
  }
  return !fds.empty();
}

u64 Workers::Next() {
  u64 next = ~u64{0};
  for (size_t index = 0; index < workers_.size(); ++index) {
    next = std::min(next, board_.worker(index).batch.load());
  }
  return next;
}

}  // namespace tandem::cpu
