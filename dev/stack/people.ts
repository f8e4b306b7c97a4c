import type { Address, Hex } from 'viem';
import { keccak256, toBytes } from 'viem';
import { privateKeyToAddress } from 'viem/accounts';

/** A key of the local stack. Both values are 0x hex; the address is checksummed. */
export type Person = { readonly address: Address; readonly privateKey: Hex };

type Eight = readonly [Person, Person, Person, Person, Person, Person, Person, Person];

/** Everybody who takes part in a local stack. Plain JSON. */
export type People = {
  /** Runs the gateway: may call its admin surface. */
  readonly operator: Person;
  /** Owns agents. */
  readonly owner: Person;
  /** The first funded agent. */
  readonly agent: Person;
  /** Eight more funded agents. */
  readonly agents: Eight;
  /** Keys that facilitators send transactions with; each funded with ether. One facilitator, one key. */
  readonly facilitators: readonly [Person, Person, Person, Person];
  /** Receives every payment of the gateway. */
  readonly payTo: Address;
};

/**
 * The key of a name: Keccak-256 of a public sentence, so that every run has the same people.
 * Anybody can compute these keys. They hold nothing outside a local chain.
 */
export const person = (name: string): Person => {
  const privateKey = keccak256(toBytes(`countersign local stack: ${name}`));
  return { address: privateKeyToAddress(privateKey), privateKey };
};

export const people: People = {
  operator: person('operator'),
  owner: person('owner'),
  agent: person('agent'),
  agents: [
    person('agent 1'),
    person('agent 2'),
    person('agent 3'),
    person('agent 4'),
    person('agent 5'),
    person('agent 6'),
    person('agent 7'),
    person('agent 8'),
  ],
  facilitators: [
    person('facilitator 1'),
    person('facilitator 2'),
    person('facilitator 3'),
    person('facilitator 4'),
  ],
  payTo: person('payee').address,
};
