// Requests about evaluators, from JSON and back; used by host_message.cpp alone.
#pragma once

#include <boost/json/object.hpp>

#include "protocol/evaluator/requests.hpp"
#include "protocol/object_reader.hpp"

namespace tandem::evaluator {

// All throw kBadRequest, kUnknownKey, kOutOfRange, kUnsupported, naming the key.
PrepareRequest read_prepare(ObjectReader& keys);
AddCondsRequest read_add_conds(ObjectReader& keys);
DropCondsRequest read_drop_conds(ObjectReader& keys);
EvaluateRequest read_evaluate(ObjectReader& keys);

// "conds": an object of them.
Conds read_conds(ObjectReader& keys);

void write(boost::json::object& out, const PrepareRequest& request);
void write(boost::json::object& out, const AddCondsRequest& request);
void write(boost::json::object& out, const DropCondsRequest& request);
void write(boost::json::object& out, const EvaluateRequest& request);

}  // namespace tandem::evaluator
