#include "cpu/event/hypercall.h"

#include <doctest/doctest.h>

#include "tests/unit/cpu/event/fixture.h"

namespace tandem::cpu {

TEST_CASE("hypercall: what is not there answers -1000, as wide as the mode") {
  EventFixture f;
  f.EnterLong(0);
  f.state.gpr[kRax] = 12345;
  REQUIRE_FALSE(Hypercall(f.context).raised);
  CHECK_EQ(f.state.gpr[kRax], -u64{1000});
  f.EnterProtected(0);
  f.state.gpr[kRax] = 12345;
  REQUIRE_FALSE(Hypercall(f.context).raised);
  CHECK_EQ(f.state.gpr[kRax], 0xfffffc18);
}

TEST_CASE("hypercall: interrupts to processors that are not there reach nobody") {
  EventFixture f;
  f.EnterLong(0);
  f.state.gpr[kRax] = 10;
  f.state.gpr[kRbx] = 0xffffffff;
  f.state.gpr[kRcx] = 0;
  f.state.gpr[kRdx] = 0xffffffff;
  f.state.gpr[kRsi] = 0x30;
  REQUIRE_FALSE(Hypercall(f.context).raised);
  CHECK_EQ(f.state.gpr[kRax], 0);
}

TEST_CASE("hypercall: #UD outside CPL 0") {
  EventFixture f;
  f.EnterLong(3);
  CHECK_EQ(Hypercall(f.context).vector, Vector::kUd);
}

}  // namespace tandem::cpu
