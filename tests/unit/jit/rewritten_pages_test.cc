#include "jit/engine/rewritten_pages.h"

#include <doctest/doctest.h>

namespace tandem::jit {
namespace {

constexpr u64 kPage = 0x7f0000001000;

RewrittenPages HotPage() {
  RewrittenPages pages;
  for (int i = 0; i < 16; ++i) {
    CHECK_FALSE(pages.IsHot(kPage));
    pages.NoteRetired(kPage);
  }
  CHECK(pages.IsHot(kPage));
  return pages;
}

}  // namespace

TEST_CASE("rewritten pages: code that stands for a while is translated again") {
  RewrittenPages pages = HotPage();
  const u8 code[] = {0xb8, 1};
  for (int i = 0; i < 100; ++i) {
    pages.NoteStep(kPage, 0x10, code);
  }
  CHECK(pages.IsHot(kPage));
  pages.NoteStep(kPage, 0x10, code);
  CHECK_FALSE(pages.IsHot(kPage));
}

TEST_CASE("rewritten pages: code that changes stays where it is, whatever else runs in its page") {
  RewrittenPages pages = HotPage();
  const u8 other[] = {0xc3};
  for (u8 i = 0; i < 200; ++i) {
    const u8 code[] = {0xb8, i};
    pages.NoteStep(kPage, 0x10, code);
    pages.NoteStep(kPage, 0x15, other);
  }
  CHECK(pages.IsHot(kPage));
  CHECK_FALSE(pages.IsHot(kPage + 0x1000));
}

TEST_CASE("rewritten pages: instructions that share a place in the table do not look like changes") {
  RewrittenPages pages = HotPage();
  const u8 first[] = {0x90}, second[] = {0xc3};
  for (int i = 0; i < 60; ++i) {
    pages.NoteStep(kPage, 0x10, first);
    pages.NoteStep(kPage, 0x50, second);
  }
  CHECK_FALSE(pages.IsHot(kPage));
}

}  // namespace tandem::jit
