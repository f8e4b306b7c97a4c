import { type Address, type Hex, keccak256, toBytes } from 'viem';
import { privateKeyToAddress } from 'viem/accounts';

/** A key of the local stack, with its checksummed address. */
export type Person = { readonly address: Address; readonly privateKey: Hex };

type Eight = readonly [Person, Person, Person, Person, Person, Person, Person, Person];

/** The keys of a local stack. Plain JSON. */
export type People = {
  /** Operator of the gateway. */
  readonly operator: Person;
  /** Owner of agents, funded. */
  readonly owner: Person;
  /** The first funded agent. */
  readonly agent: Person;
  /** Eight more funded agents. */
  readonly agents: Eight;
  /** Keys of facilitators, funded with ether. Two facilitators must not share a key. */
  readonly facilitators: readonly [Person, Person, Person, Person];
  /** Key of the gateway's relayer, funded with ether. */
  readonly relayer: Person;
  /** Receives every payment of the gateway. */
  readonly payTo: Address;
  /** Receives the payments of another seller, whose facilitator is the gateway. */
  readonly seller: Address;
};

/**
 * Derives the key of a name from a public text, so that every run has the same keys. They are not secret: use them on a local chain only.
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
  relayer: person('relayer'),
  payTo: person('payee').address,
  seller: person('seller').address,
};
