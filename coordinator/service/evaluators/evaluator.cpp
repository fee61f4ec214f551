#include "coordinator/service/evaluators/evaluator.hpp"

#include <cstring>
#include <mutex>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::size_t kMaxWaiting = 64;
constexpr std::size_t kSmallBytes = std::size_t{256} << 10;  // SDXL's latent of 1024 x 1024 pixels

[[noreturn]] void throw_cancelled() {
  throw Error(ErrorCode::kCancelled, "The evaluate was cancelled.");
}

}  // namespace

void add_warnings(boost::json::object& fields, const boost::json::array& warnings) {
  if (warnings.empty()) return;
  boost::json::value& list = fields["warnings"];
  if (!list.is_array()) list.emplace_array();
  for (const boost::json::value& warning : warnings)
    list.get_array().push_back(warning);
}

namespace {

EvaluatorAnswer answer_of(const std::function<EvaluatorAnswer()>& work) {
  EvaluatorAnswer failed;
  try {
    return work();
  } catch (const Error& error) {
    failed.failure = error.failure();
  } catch (const std::exception& error) {
    failed.failure = Failure{ErrorCode::kInternal, error.what()};
  }
  return failed;
}

}  // namespace

// An evaluate between the io thread, which may cancel it, and the evaluator's.
struct Evaluator::Call {
  explicit Call(std::uint64_t request) : id(request) {}

  const std::uint64_t id;
  std::mutex mutex;
  bool cancelled = false, started = false, ended = false;

  void start() {
    const std::lock_guard lock(mutex);
    if (cancelled) throw_cancelled();
    started = true;
  }
  // From now on no cancel reaches the units, which may be another request's.
  void end(JobUnits& units) {
    const std::lock_guard lock(mutex);
    ended = true;
    units.resume();
  }
};

Evaluator::Evaluator(WorkerPool& pool, EvaluatorExecutor& executor, AcceptedEvaluator accepted,
                     JobLimits limits, std::optional<HostSlots> slots)
    : pool_(pool),
      executor_(executor),
      accepted_(std::move(accepted)),
      slots_(std::move(slots)),
      units_(pool.open_job(accepted_.job.id, std::move(limits), accepted_.job.memory_files)) {}

void Evaluator::add_work(std::function<EvaluatorAnswer()> work, EvaluatorDone done) {
  if (waiting_ == kMaxWaiting) {
    throw Error(ErrorCode::kQuota, "evaluator: too many requests to it wait for their replies.", {},
                "evaluator");
  }
  ++waiting_;
  add_to_thread([this, work = std::move(work), done = std::move(done)]() mutable {
    const auto answer = std::make_shared<EvaluatorAnswer>(answer_of(work));
    pool_.hand_off()->post([this, answer, done = std::move(done)] {
      --waiting_;
      done(std::move(*answer));
    });
  });
}

// It must not use what an evaluate on the io thread uses.
void Evaluator::add_to_thread(std::function<void()> work) {
  if (is_here_) {
    held_back_.push_back(std::move(work));
  } else {
    thread_.add(std::move(work));
  }
}

void Evaluator::prepare(CondsToAdd conds, EvaluatorDone done) {
  add_work(
      [this, conds = std::move(conds)] {
        run_ = executor_.open(accepted_, *units_);
        const boost::json::array warnings = run_->add_conds(conds);
        EvaluatorAnswer answer{{}, run_->describe(), {}};
        add_warnings(answer.fields, warnings);
        return answer;
      },
      std::move(done));
}

void Evaluator::add_conds(CondsToAdd conds, EvaluatorDone done) {
  add_work(
      [this, conds = std::move(conds)] {
        EvaluatorAnswer answer;
        add_warnings(answer.fields, run_->add_conds(conds));
        return answer;
      },
      std::move(done));
}

void Evaluator::drop_conds(std::vector<std::string> ids, EvaluatorDone done) {
  add_work(
      [this, ids = std::move(ids)] {
        run_->drop_conds(ids);
        return EvaluatorAnswer{};
      },
      std::move(done));
}

void Evaluator::evaluate(std::uint64_t id, EvaluateRequest request,
                         std::shared_ptr<const TensorFile> x, EvaluatorDone done) {
  if (call_) {
    throw Error(ErrorCode::kBadRequest, "evaluator: an evaluate of it goes on.",
                "Wait for its reply, or cancel it; several evaluators may work at once.",
                "evaluator");
  }
  check_x(request, x.get());
  const auto call = std::make_shared<Call>(id);
  if (is_small() && waiting_ == 0) {
    evaluate_here(call, request, x.get(), std::move(done));
  } else {
    evaluate_on_thread(call, std::move(request), std::move(x), std::move(done));
  }
  call_ = call;
}

bool Evaluator::is_small() const {
  return byte_size({DType::kF32, accepted_.shape}) <= kSmallBytes;
}

void Evaluator::evaluate_on_thread(const std::shared_ptr<Call>& call, EvaluateRequest request,
                                   std::shared_ptr<const TensorFile> x, EvaluatorDone done) {
  add_work(
      [this, call, request = std::move(request), x = std::move(x)] {
        call->start();
        EvaluatorAnswer answer = answer_of([&] {
          return answer_with(run_->finish(units_->run(begin(request, x.get()))), request.slot);
        });
        call->end(*units_);
        return answer;
      },
      [this, done = std::move(done)](EvaluatorAnswer answer) {
        call_.reset();
        done(std::move(answer));
      });
}

void Evaluator::evaluate_here(const std::shared_ptr<Call>& call, const EvaluateRequest& request,
                              const TensorFile* x, EvaluatorDone done) {
  call->start();
  std::vector<UnitTask> tasks;
  const EvaluatorAnswer begun = answer_of([&] {
    tasks = begin(request, x);
    return EvaluatorAnswer{};
  });
  if (begun.failure) throw Error(*begun.failure);
  is_here_ = true;
  ++waiting_;
  pool_.start_units(
      accepted_.job.id, std::move(tasks),
      [this, call, in_slot = request.slot, done = std::move(done)](
          const std::vector<UnitOutcome>& outcomes, const std::optional<Failure>& failure) {
        EvaluatorAnswer answer = answer_of([&] {
          if (failure) throw Error(*failure);
          return answer_with(run_->finish(outcomes), in_slot);
        });
        call->end(*units_);
        ended_here();
        done(std::move(answer));
      });
}

void Evaluator::ended_here() {
  call_.reset();
  is_here_ = false;
  --waiting_;
  for (auto& work : std::exchange(held_back_, {}))
    thread_.add(std::move(work));
}

void Evaluator::check_x(const EvaluateRequest& request, const TensorFile* x) const {
  if (request.slot && !slots_) {
    throw Error(ErrorCode::kBadRequest, "slot: the evaluator was prepared without slots.", {},
                "slot");
  }
  if (request.slot && request.lists.size() > static_cast<std::size_t>(slots_->lists())) {
    throw Error(ErrorCode::kOutOfRange,
                "lists: the slot has room for " + std::to_string(slots_->lists()) +
                    " predictions, not for " + std::to_string(request.lists.size()) + ".",
                {}, "lists");
  }
  if (request.slot) return;
  const TensorLayout expected{DType::kF32, accepted_.shape};
  if (x->layout("x", "x") == expected) return;
  throw Error(ErrorCode::kBadShape, "x: expected float32 of the prepared shape.", {}, "x");
}

std::vector<UnitTask> Evaluator::begin(const EvaluateRequest& request, const TensorFile* x) {
  const std::span<std::byte> input = run_->input();
  if (request.slot) {
    slots_->read(input);
  } else {
    std::memcpy(input.data(), x->bytes("x").data(), input.size());
  }
  return run_->begin(request);
}

EvaluatorAnswer Evaluator::answer_with(const std::vector<std::span<const std::byte>>& predictions,
                                       bool in_slot) const {
  EvaluatorAnswer answer;
  std::vector<NamedBytes> named;
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    if (in_slot) {
      slots_->write(static_cast<int>(i), predictions[i]);
    } else {
      named.push_back({"out." + std::to_string(i), {DType::kF32, accepted_.shape}, predictions[i]});
    }
  }
  if (in_slot) return answer;
  answer.tensors = make_tensor_memory("tandem-predictions", named).fd;
  answer.fields["tensors"] = 0;
  return answer;
}

void Evaluator::cancel(std::uint64_t id) {
  if (!call_ || call_->id != id) return;
  const std::lock_guard lock(call_->mutex);
  if (call_->ended) return;
  call_->cancelled = true;
  if (call_->started) pool_.interrupt_job(accepted_.job.id);
}

void Evaluator::close(std::function<void()> closed) {
  if (std::exchange(closing_, true)) return;
  pool_.cancel_job(accepted_.job.id);
  add_to_thread([this, closed = std::move(closed)] {
    pool_.hand_off()->post([this, closed] {
      pool_.close_job(accepted_.job.id);
      closed();
    });
  });
}

}  // namespace tandem::coordinator
