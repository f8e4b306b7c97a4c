/**
 * How much a bound call may do at most, by the step of `dev/bench/steps.ts`; what is not listed is not allowed. `RPC characters` are those
 * of the arguments as text. Promises are missing, because the runtime does not show those of async functions.
 */
export const CALL_BUDGET: Readonly<Record<string, number>> = {
  'header: JSON.parse': 1,
  'header: JSON.stringify': 1,
  'proof: JSON.stringify': 1,
  'proof: keccak': 6,
  'proof: recovery': 1,
  'observe: native.digest': 1,
  'arguments: RPC': 2,
  'arguments: RPC characters': 2_342,
  'arguments: RPC characters of the answer': 666,
  'decide: JSON.stringify': 5,
  'entry: JSON.stringify': 2,
  'entry: native.digest': 3,
  'commit: JSON.stringify': 4,
  'commit: row': 2,
  'dispatch: native.digest': 1,
  'dispatch: subrequest': 1,
  'dispatch: timer': 1,
  'receipt: JSON.stringify': 2,
  'receipt: native.sign': 2,
  'answer: JSON.stringify': 1,
};
