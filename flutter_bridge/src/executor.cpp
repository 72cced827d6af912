#include "executor.h"

#include <algorithm>
#include <chrono>

#include "error.h"

namespace lp {
namespace {

// A conversion before or after a graph, where graph and value differ in type.
struct Conversion {
  const Tensor* from;
  Tensor* to;
};

struct BoundStep {
  std::vector<Conversion> before;
  std::unique_ptr<BoundGraph> graph;
};

}  // namespace

class Executor::Program {
 public:
  std::set<std::string> needed;
  std::vector<BoundStep> steps;
  // First what a state update would overwrite before another reads it, then the updates.
  std::vector<Conversion> state_updates;
  // Tensors of the graphs that are no value: other types, or outputs that are fed instead.
  std::vector<std::unique_ptr<Tensor>> scratch;
};

Executor::Executor(const Pipeline& pipeline, const Variant& variant, LoadedGraphs& graphs)
    : pipeline_(pipeline),
      variant_(variant),
      graphs_(graphs),
      specs_(all_values(pipeline, variant)) {
  for (const auto& [name, spec] : specs_) {
    values_[name] = std::make_unique<Tensor>(spec.dtype, spec.shape);
  }
  for (const PipelineInput& input : pipeline.inputs) {
    if (input.default_values.empty()) continue;
    fill(*values_.at(input.name), input.default_values);
    supplied_.insert(input.name);
  }
  for (const State& state : pipeline.states) supplied_.insert(state.value);
  reset_states();
}

Executor::~Executor() = default;

Executor::Program& Executor::prepare(const std::set<std::string>& fed,
                                     const std::set<std::string>& wanted, bool advance_all) {
  for (const std::string& name : fed) value(name);
  for (const std::string& name : wanted) value(name);
  const Plan plan = make_plan(pipeline_, fed, wanted, advance_all);
  auto program = std::make_unique<Program>();
  program->needed = plan.needed;
  const auto scratch = [&](const TensorSpec& tensor) {
    program->scratch.push_back(std::make_unique<Tensor>(tensor.dtype, tensor.shape));
    return program->scratch.back().get();
  };
  for (const Step* step : plan.steps) {
    const GraphFile& graph = variant_.graphs.at(step->graph);
    BoundStep bound;
    std::vector<Tensor*> inputs;
    std::vector<Tensor*> outputs;
    for (const TensorSpec& tensor : graph.inputs) {
      Tensor& source = value(step->inputs.at(tensor.name));
      inputs.push_back(source.type() == tensor.dtype ? &source : scratch(tensor));
      if (inputs.back() != &source) bound.before.push_back({&source, inputs.back()});
    }
    for (const TensorSpec& tensor : graph.outputs) {
      const std::string& name = step->outputs.at(tensor.name);
      outputs.push_back(fed.count(name) > 0 ? scratch(tensor) : &value(name));
    }
    bound.graph = graphs_.at(step->graph)->bind(inputs, outputs);
    program->steps.push_back(std::move(bound));
  }
  std::vector<Conversion> updates;
  for (const State* state : plan.advanced) {
    const Tensor* next = &value(state->next_value);
    const bool is_state =
        std::any_of(plan.advanced.begin(), plan.advanced.end(),
                    [&](const State* other) { return other->value == state->next_value; });
    if (is_state) {
      Tensor* saved = scratch({"", next->type(), next->shape(), ""});
      program->state_updates.push_back({next, saved});
      next = saved;
    }
    updates.push_back({next, &value(state->value)});
  }
  program->state_updates.insert(program->state_updates.end(), updates.begin(), updates.end());
  programs_.push_back(std::move(program));
  return *programs_.back();
}

void Executor::run(Program& program) {
  for (const std::string& name : program.needed) {
    if (supplied_.count(name) == 0) {
      throw Error(LP_ERROR_ARGUMENT, {"The value '" + name + "' is needed and has no default.", "",
                                      "lp_set_control before the first sound", "nothing"});
    }
  }
  engine_ms_ = 0.0;
  for (BoundStep& step : program.steps) {
    for (const Conversion& conversion : step.before) {
      copy_converted(*conversion.from, *conversion.to);
    }
    const auto start = std::chrono::steady_clock::now();
    step.graph->run();
    engine_ms_ +=
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  }
  for (const Conversion& update : program.state_updates) copy_converted(*update.from, *update.to);
}

void Executor::reset_states() {
  for (const State& state : pipeline_.states) fill(*values_.at(state.value), state.initial);
}

Tensor& Executor::value(const std::string& name) {
  const auto found = values_.find(name);
  if (found == values_.end()) {
    std::string names;
    for (const auto& [known, tensor] : values_) names += (names.empty() ? "" : ", ") + known;
    throw Error(LP_ERROR_ARGUMENT, {"The pipeline has no value '" + name + "'.", "", names, name});
  }
  return *found->second;
}

const ValueSpec& Executor::spec(const std::string& name) const { return specs_.at(name); }

}  // namespace lp
