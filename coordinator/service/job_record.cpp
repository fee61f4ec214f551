#include "coordinator/service/job_record.hpp"

#include <algorithm>

#include <boost/json/serialize.hpp>

namespace tandem::coordinator {

void JobRecord::add_event(Event event) {
  if (has_ended()) return;
  if (const auto* phase = std::get_if<PhaseEvent>(&event)) state_ = phase->phase;
  if (const auto* step = std::get_if<StepEvent>(&event)) {
    step_ = step->step;
    total_steps_ = step->total;
  }
  const JobEvent numbered{id_, events_.size() + 1, std::move(event)};
  events_.push_back(boost::json::serialize(to_json(numbered)));
  std::erase_if(sinks_, [](const auto& sink) { return sink.expired(); });
  for (const auto& weak : sinks_) {
    if (const auto sink = weak.lock()) sink->event(events_.back());
  }
}

void JobRecord::end(Phase state, std::optional<Failure> failure, JobResult result) {
  if (has_ended()) return;
  failure_ = failure;
  result_ = std::move(result);
  ended_at_ = std::chrono::steady_clock::now();
  if (const auto viewer = viewer_.lock()) viewer->forget_preview(id_);
  PhaseEvent last;
  last.phase = state;
  last.failure = std::move(failure);
  add_event(std::move(last));
  for (const auto& callback : std::exchange(waiting_, {}))
    callback();
  sinks_.clear();
}

void JobRecord::add_preview(int step, ipc::Fd tensors) {
  const auto viewer = viewer_.lock();
  if (!viewer || has_ended()) return;
  viewer->preview(id_, boost::json::serialize(preview_to_json(id_, step)), std::move(tensors));
}

void JobRecord::replay(EventSink& sink, std::uint64_t after) const {
  for (std::size_t i = after; i < events_.size(); ++i)
    sink.event(events_[i]);
}

void JobRecord::subscribe(const std::shared_ptr<EventSink>& sink) {
  const bool known =
      std::ranges::any_of(sinks_, [&](const auto& weak) { return weak.lock() == sink; });
  if (!known) sinks_.push_back(sink);
}

void JobRecord::when_ended(std::function<void()> callback) {
  if (has_ended()) return callback();
  waiting_.push_back(std::move(callback));
}

JobStatus JobRecord::status() const {
  return {id_, state_, step_, total_steps_, failure_, owner_.session, priority_};
}

}  // namespace tandem::coordinator
