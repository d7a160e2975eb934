#pragma once

#include "kernels/pair_tile.cuh"
#include "particle/elementary.hpp"
#include "particle/line_cost.hpp"

// Bodies of the distances between sets, and between a set and a law (mathematics.md §9).

namespace gmdiff::kernels {

/// A thread block projects 64 points on 64 directions.
struct ProjectionKernel {
  template <class Block>
  GMDIFF_PARTICLE static void run(Block& block, const ProjectionJob& job) {
    using V = typename PairTile<Block>::V;
    // Neighbouring thread blocks read the same points.
    const Index tiles = pieces_of(job.directions.count, tile_side);
    const Index first_point = block.index() / tiles * tile_side;
    const Index first_direction = block.index() % tiles * tile_side;
    PairTile<Block> tile(block);
    tile.compute(job.points, first_point, job.directions, first_direction, job.dim,
                 [](V x, V u, V sum) { return fma(x, u, sum); });
    tile.for_each_pair([&](Index i, Index s, V sum) {
      if (first_point + i >= job.points.count || first_direction + s >= job.directions.count) return;
      job.out[(first_direction + s) * job.stride + first_point + i] = sum.v;
    });
  }
};

/// A thread block adds the terms of 64 points x with a strip of y. Every thread adds those of its pairs, tile
/// by tile; then one thread adds the sums of all threads.
template <bool is_kernel>
struct PairSumKernel {
  template <class Block>
  GMDIFF_PARTICLE static void run(Block& block, const PairSumJob& job) {
    using V = typename PairTile<Block>::V;
    const Index strips = pieces_of(job.y.count, strip_points);
    const Index first_x = block.index() / strips * tile_side;
    const Index begin = block.index() % strips * strip_points;
    const Index end = begin + strip_points < job.y.count ? begin + strip_points : job.y.count;
    PairTile<Block> tile(block);
    V total(0.0);
    // Tiles below the diagonal contain no pair.
    for (Index first_y = job.upper && begin < first_x ? first_x : begin; first_y < end;
         first_y += tile_side) {
      tile.compute(job.x, first_x, job.y, first_y, job.dim, [](V x, V y, V sum) {
        const V difference = y - x;
        return fma(difference, difference, sum);
      });
      V sum(0.0);
      tile.for_each_pair([&](Index i, Index j, V square) {
        const bool is_pair = first_x + i < job.x.count && first_y + j < job.y.count &&
                             (!job.upper || first_x + i < first_y + j);
        if (is_pair) sum = sum + term(job, square);
      });
      total = total + sum;
    }
    add_threads(block, total, job.sums + block.index());
  }

 private:
  template <class V>
  GMDIFF_PARTICLE static V term(const PairSumJob& job, V square) {
    if constexpr (is_kernel) return particle::exp_nonpositive(V(job.term.rate) * square);
    return sqrt(square);
  }

  template <class Block, class V>
  GMDIFF_PARTICLE static void add_threads(Block& block, V total, double* to) {
    double* const totals = block.template shared<double>(block_threads);
    totals[block.thread_rank()] = total.v;
    block.sync();
    if (block.thread_rank() != 0) return;
    V sum(0.0);
    for (int thread = 0; thread < block_threads; ++thread) sum = sum + V(totals[thread]);
    *to = sum.v;
  }
};

/// Each thread handles a run of one slice's x and the y that share their masses.
struct TransportKernel {
  template <class Block>
  GMDIFF_PARTICLE static void run(Block& block, const TransportJob& job) {
    const Index runs = pieces_of(job.n, run_points);
    const Index place = block.index() * block_threads + block.thread_rank();
    if (place >= job.slices * runs) return;
    const Index slice = place / runs;
    const Index begin = place % runs * run_points;
    const Index end = begin + run_points < job.n ? begin + run_points : job.n;
    job.sums[place] = cost(job, job.x + slice * job.n, begin, end, job.y + slice * job.m);
  }

 private:
  GMDIFF_PARTICLE static double cost(const TransportJob& job, const double* x, Index begin, Index end,
                                     const double* y) {
    using V = particle::One<double>;
    // The mass before x_begin is begin mass_x. Each group of mass_y points x has the mass of mass_x points y.
    const std::uint64_t blocks = static_cast<std::uint64_t>(begin) / job.mass_y;
    const std::uint64_t rest = static_cast<std::uint64_t>(begin) % job.mass_y * job.mass_x;
    auto j = static_cast<Index>(blocks * job.mass_x + rest / job.mass_y);
    std::uint64_t left_y = job.mass_y - rest % job.mass_y;
    V sum(0.0);
    for (Index i = begin; i < end; ++i) {
      for (std::uint64_t left_x = job.mass_x; left_x > 0;) {
        const std::uint64_t piece = left_x < left_y ? left_x : left_y;
        const V difference = V(x[i]) - V(y[j]);
        const V distance = difference < V(0.0) ? -difference : difference;
        sum = sum + V(static_cast<double>(piece)) * (job.p == 1 ? distance : distance * distance);
        left_x -= piece;
        left_y -= piece;
        if (left_y == 0) {
          left_y = job.mass_y;
          ++j;
        }
      }
    }
    return sum.v;
  }
};

/// Each thread computes a run of one slice.
struct LineKernel {
  template <class Block>
  GMDIFF_PARTICLE static void run(Block& block, const LineJob& job) {
    const Index runs = particle::num_line_runs(job.points(0), job.p);
    const Index place = block.index() * block_threads + block.thread_rank();
    if (place >= job.slices * runs) return;
    const Index slice = place / runs;
    job.sums[place] = particle::line_run_cost<particle::One<double>>(job.laws[slice], job.points(slice),
                                                                     job.p, place % runs);
  }
};

/// Calls body.operator()<Kernel>() for the kernel of a job.
template <class Body>
void with_kernel(const ProjectionJob& /*job*/, Body body) {
  body.template operator()<ProjectionKernel>();
}
template <class Body>
void with_kernel(const PairSumJob& job, Body body) {
  if (job.term.is_kernel) return body.template operator()<PairSumKernel<true>>();
  body.template operator()<PairSumKernel<false>>();
}
template <class Body>
void with_kernel(const TransportJob& /*job*/, Body body) {
  body.template operator()<TransportKernel>();
}
template <class Body>
void with_kernel(const LineJob& /*job*/, Body body) {
  body.template operator()<LineKernel>();
}

}  // namespace gmdiff::kernels
