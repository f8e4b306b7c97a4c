import { network, type Network } from './account-id.ts';

const TESTS = new Set([51, 1328, 43113, 80002, 84532, 421614, 11142220].map(network));

/** Whether the tokens of a network are worth nothing. */
export const isTestNetwork = (on: Network): boolean => TESTS.has(on);
