#pragma once

#include <atomic>
#include <functional>
#include <vector>

#include "base/mutex.h"

namespace tandem {

// Functions left by any thread for one owner thread, which runs them at a point of its choosing.
class Mailbox {
 public:
  using Letter = std::function<void()>;

  // Any thread. The caller wakes the owner by its own means.
  void Post(Letter letter) {
    MutexLock lock(mu_);
    letters_.push_back(std::move(letter));
    has_mail_.store(true, std::memory_order_release);
  }

  bool HasMail() const { return has_mail_.load(std::memory_order_acquire); }

  // Owner thread: runs what has been posted, in order, with no lock held.
  void Deliver() {
    std::vector<Letter> letters;
    {
      MutexLock lock(mu_);
      letters.swap(letters_);
      has_mail_.store(false, std::memory_order_relaxed);
    }
    for (Letter& letter : letters) {
      letter();
    }
  }

 private:
  Mutex mu_{LockRank::kLeaf};  // guards letters_
  std::vector<Letter> letters_;
  std::atomic<bool> has_mail_{false};
};

}  // namespace tandem
