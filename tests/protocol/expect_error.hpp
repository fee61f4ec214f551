// What went wrong, as a value to compare.
#pragma once

#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::test {

// The failure that `call` throws; a test failure and an empty one where it throws nothing.
template <class Call>
Failure failure_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.failure();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

}  // namespace tandem::test
