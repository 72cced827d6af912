// The pipeline executor: runs the manifest's steps and knows nothing about what they mean.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "consistency.h"
#include "engine.h"
#include "plan.h"
#include "tensor.h"

namespace lp {

// The graphs of one variant, loaded once and shared by executors.
using LoadedGraphs = std::map<std::string, std::unique_ptr<LoadedGraph>>;

// Values in fixed memory and the graphs that read and write them. One thread at a time.
class Executor {
 public:
  // All arguments but the last must outlive the executor.
  Executor(const Pipeline& pipeline, const Variant& variant, LoadedGraphs& graphs);

  // A prepared way of running: what is fed, what is wanted.
  class Program;

  // Prepare to run with `fed` supplied through `value()`. Throws Error(LP_ERROR_ARGUMENT) when a
  // value does not exist. The result belongs to the executor.
  Program& prepare(const std::set<std::string>& fed, const std::set<std::string>& wanted,
                   bool advance_all);

  // Run one frame. Allocates nothing. Throws Error(LP_ERROR_ENGINE), or Error(LP_ERROR_ARGUMENT)
  // when an input has neither value nor default.
  void run(Program& program);

  // All states at their initial values; inputs stay as they are.
  void reset_states();

  // The memory of a value; throws Error(LP_ERROR_ARGUMENT) when there is none of this name.
  Tensor& value(const std::string& name);
  const ValueSpec& spec(const std::string& name) const;

  // Say that an input without default has been written through `value()`.
  void mark_supplied(const std::string& input) { supplied_.insert(input); }

  // Time that the graphs took in the last run.
  double engine_ms() const { return engine_ms_; }

 private:
  const Pipeline& pipeline_;
  const Variant& variant_;
  LoadedGraphs& graphs_;
  std::map<std::string, ValueSpec> specs_;
  std::map<std::string, std::unique_ptr<Tensor>> values_;
  std::set<std::string> supplied_;
  std::vector<std::unique_ptr<Program>> programs_;
  double engine_ms_ = 0.0;

 public:
  ~Executor();
};

}  // namespace lp
