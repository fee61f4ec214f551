// The service's replies as lines for people. Keys that a reply does not hold are left out.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "protocol/host_reply.hpp"

namespace tandem::client {

// "ID  sampling  7/20", "ID  failed  MESSAGE".
std::vector<std::string> job_lines(std::span<const JobStatus> jobs);
boost::json::array jobs_json(std::span<const JobStatus> jobs);

// A line per device, and one below it per worker. Takes the reply to `devices`.
std::vector<std::string> device_lines(const boost::json::object& reply);

// A line per type of accelerator that is there, with why no worker computes on it, and one for
// those that are not. Takes the reply to `devices`.
std::vector<std::string> accelerator_lines(const boost::json::object& reply);

// A line per device with its bytes before and after, and one for what a running job uses. Takes the
// reply to `unload`.
std::vector<std::string> unload_lines(const boost::json::object& reply);

// "samplers: euler, heun ...": a line per list, and one per plug-in with what it offers. Takes the
// reply to `catalog`.
std::vector<std::string> catalog_lines(const boost::json::object& reply);

}  // namespace tandem::client
