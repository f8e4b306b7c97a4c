import type { Call } from '../../../src/protocol/account/call.ts';
import type { Reader } from '../../store/query.ts';
import { type CallRecord, IDENTIFIER, loadCall } from './call-record.ts';

/**
 * Returns the record of a call. A payment-identifier leads to the call that first used it, whatever signature comes with it now.
 *
 * Race: two signatures under one identifier arrive at once. The decision that reserves looks the identifier up, so only one is new.
 */
export const recordOf = ({ id: call, identifier }: Call, read: Reader): CallRecord | undefined => {
  const first = identifier === undefined ? undefined : read.get(IDENTIFIER, identifier)?.call;
  return (first === undefined ? undefined : loadCall(read, first)) ?? loadCall(read, call);
};
