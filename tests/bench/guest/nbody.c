// Five bodies that attract each other, in double: scalar SSE2. One iteration is one time step.
#include <math.h>

#include "bench.h"

enum { kBodies = 5 };

struct Body {
  double place[3];
  double speed[3];
  double mass;
};

static const double kStep = 1.0 / 1024;
static const double kSoftening = 1.0 / 64;  // of the distance: no encounter is too close

static void Place(struct Body* bodies) {
  u32 seed = 4711;
  for (int i = 0; i < kBodies; ++i) {
    for (int axis = 0; axis < 3; ++axis) {
      bodies[i].place[axis] = (NextRandom(&seed) % 2000) / 500.0 - 2;
      bodies[i].speed[axis] = (NextRandom(&seed) % 2000) / 2000.0 - 0.5;
    }
    bodies[i].mass = 0.125 + i * 0.25;
  }
}

static void Attract(struct Body* a, struct Body* b) {
  const double x = a->place[0] - b->place[0];
  const double y = a->place[1] - b->place[1];
  const double z = a->place[2] - b->place[2];
  const double square = x * x + y * y + z * z + kSoftening;
  const double pull = kStep / (square * sqrt(square));
  const double pull_a = pull * b->mass, pull_b = pull * a->mass;
  a->speed[0] -= x * pull_a;
  a->speed[1] -= y * pull_a;
  a->speed[2] -= z * pull_a;
  b->speed[0] += x * pull_b;
  b->speed[1] += y * pull_b;
  b->speed[2] += z * pull_b;
}

static void Advance(struct Body* bodies) {
  for (int i = 0; i < kBodies; ++i) {
    for (int j = i + 1; j < kBodies; ++j) {
      Attract(&bodies[i], &bodies[j]);
    }
  }
  for (int i = 0; i < kBodies; ++i) {
    for (int axis = 0; axis < 3; ++axis) {
      bodies[i].place[axis] += kStep * bodies[i].speed[axis];
    }
  }
}

u64 RunNbody(u64 iterations) {
  struct Body bodies[kBodies];
  Place(bodies);
  for (u64 i = 0; i < iterations; ++i) {
    Advance(bodies);
  }
  return MixBytes(0, bodies, sizeof(bodies));
}
