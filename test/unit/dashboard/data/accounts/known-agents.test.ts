import { describe, expect, it } from 'vitest';
import {
  agentNamed,
  knownAgents,
  nameOfAgent,
} from '../../../../../src/dashboard/data/accounts/known-agents.ts';

const addressOf = (digit: string): string => `0x${digit.repeat(40)}`;
const accountOf = (digit: string, chain = 84532): string => `eip155:${chain}:${addressOf(digit)}`;

const READER = accountOf('f');
const [alice, bob, otherBob, nameless] = ['a', 'b', 'c', 'd'].map((digit) => accountOf(digit));
const AGENTS = [
  { account: alice ?? '', label: 'Alice' },
  { account: alice ?? '', label: 'Alice' },
  { account: bob ?? '', label: 'bob' },
  { account: otherBob ?? '', label: 'bob' },
  { account: nameless ?? '' },
];
const known = knownAgents(AGENTS, false);
const named = (text: string, agents = known) => agentNamed(text, agents, READER);

describe('an agent in a filter', () => {
  it('is named by its label, its address, or its id', () => {
    for (const text of [
      'alice',
      ' Alice ',
      addressOf('A'),
      alice ?? '',
      alice?.toUpperCase() ?? '',
    ])
      expect(named(text), text).toEqual({ account: alice });
  });

  it('may be one that the list does not have: its address is on the network of the reader', () => {
    expect(named(addressOf('9'))).toEqual({ account: accountOf('9') });
    expect(agentNamed(addressOf('9'), undefined, READER)).toEqual({ account: accountOf('9') });
  });

  it('is found by its address on the network where the gateway knows it', () => {
    const elsewhere = knownAgents([{ account: accountOf('9', 8453) }], false);
    expect(named(addressOf('9'), elsewhere)).toEqual({ account: accountOf('9', 8453) });
  });

  it('is not taken for another one whose label is its address', () => {
    const hostile = knownAgents([{ account: bob ?? '', label: addressOf('a') }], false);
    expect(named(addressOf('a'), hostile)).toEqual({ account: alice });
    expect(nameOfAgent(bob ?? '', hostile, READER)).toBe(addressOf('b'));
  });

  it('is refused with the next step where a text names none, or several', () => {
    expect(named('bob')).toMatchObject({
      fault: expect.stringMatching(/^2 agents have this name/),
    });
    expect(named('carol')).toMatchObject({ fault: expect.stringMatching(/^No agent has this/) });
    expect(named('carol', knownAgents(AGENTS, true))).toMatchObject({
      fault: expect.stringMatching(/^None of the first 4 agents/),
    });
    expect(named('0xab')).toMatchObject({ fault: expect.stringMatching(/^This is no account/) });
    expect(agentNamed('alice', undefined, READER)).toMatchObject({
      fault: expect.stringMatching(/^The names are not read yet/),
    });
  });

  it('is shown by the shortest text that names it again', () => {
    const shownAs = (account = '') => nameOfAgent(account, known, READER);
    expect(shownAs(alice)).toBe('Alice');
    expect(shownAs(bob)).toBe(addressOf('b'));
    expect(shownAs(nameless)).toBe(addressOf('d'));
    expect(shownAs(accountOf('9', 8453))).toBe(accountOf('9', 8453));
  });
});
