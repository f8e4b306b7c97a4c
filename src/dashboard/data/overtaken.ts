import { CountersignError } from '../../client/errors.ts';

/** Whether the gateway stores another version than the one that a change replaces (412). */
export const isOvertaken = (thrown: unknown): boolean =>
  thrown instanceof CountersignError && thrown.response?.status === 412;
