#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "base/ints.h"

namespace tandem {

// A std::vector of plain data, of 16 bytes when it is empty: for objects that are many.
template <typename T>
class CompactVector {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  CompactVector() = default;
  CompactVector(CompactVector&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  CompactVector& operator=(CompactVector&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~CompactVector() { std::free(data_); }

  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T& back() { return data_[size_ - 1]; }

  void push_back(const T& value) {
    if (size_ == capacity_) {
      const T kept = value;  // it may be one of ours
      reserve(std::max<size_t>(2 * size_t{capacity_}, 1));
      data_[size_++] = kept;
    } else {
      data_[size_++] = value;
    }
  }
  void assign(std::span<const T> values) {
    clear();
    reserve(values.size());
    std::copy(values.begin(), values.end(), data_);
    size_ = static_cast<u32>(values.size());
  }
  void clear() { size_ = 0; }
  template <typename Predicate>
  void erase_if(Predicate predicate) {
    size_ = static_cast<u32>(std::remove_if(begin(), end(), predicate) - begin());
  }
  void reserve(size_t capacity) {
    if (capacity > capacity_) {
      SetCapacity(capacity);
    }
  }
  void shrink_to_fit() {
    if (size_ < capacity_) {
      SetCapacity(size_);
    }
  }

 private:
  void SetCapacity(size_t capacity) {
    if (capacity == 0) {
      std::free(std::exchange(data_, nullptr));
    } else {
      void* const data = std::realloc(data_, capacity * sizeof(T));
      CHECK(data != nullptr);
      data_ = static_cast<T*>(data);
    }
    capacity_ = static_cast<u32>(capacity);
  }

  T* data_ = nullptr;
  u32 size_ = 0;
  u32 capacity_ = 0;
};

}  // namespace tandem
