import fc from 'fast-check';
import { hashTypedData, type Hex } from 'viem';
import { describe, expect, it } from 'vitest';
import {
  AGENT_SESSION_TYPE,
  type AgentSession,
  encodeAgentSession,
  MAX_SESSION,
  parseAgentSession,
  sessionDigest,
  sessionWindow,
} from '../../../../src/protocol/intent/agent-session.ts';
import { membersOf } from './wire.ts';

const NOW = 1_800_000_000;
const SESSION: AgentSession = {
  account: `0x${'a1'.repeat(20)}`,
  audience: 'https://gw.example',
  scope: 'read',
  key: `0x${'0b'.repeat(32)}`,
  validAfter: BigInt(NOW),
  validBefore: BigInt(NOW + MAX_SESSION),
};
const SIGNATURE: Hex = `0x${'5c'.repeat(65)}`;

const hex = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((array): Hex => `0x${Buffer.from(array).toString('hex')}`);
const seconds = fc.bigInt({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) });

describe('sessionDigest', () => {
  it('equals viem on any session of any chain', () => {
    const types = { AgentSession: membersOf(AGENT_SESSION_TYPE) };
    const sessions = fc.record({
      account: hex(20),
      audience: fc.stringMatching(/^[ -~]{0,64}$/),
      scope: fc.constant('read' as const),
      key: hex(32),
      validAfter: seconds,
      validBefore: seconds,
    });
    fc.assert(
      fc.property(sessions, fc.integer({ min: 1, max: 2 ** 31 }), (message, on) => {
        expect(sessionDigest(message, on)).toBe(
          hashTypedData({
            domain: { name: 'Countersign', version: '1', chainId: on },
            types,
            primaryType: 'AgentSession',
            message,
          }),
        );
      }),
    );
  });
});

describe('parseAgentSession', () => {
  const signed = { chainId: 84532, session: SESSION, signature: SIGNATURE };

  it('reads what encodeAgentSession writes', () => {
    expect(parseAgentSession(encodeAgentSession(signed))).toEqual({ ok: true, value: signed });
  });

  it.each([
    ['an empty header', ''],
    [
      'another scope',
      encodeAgentSession({ ...signed, session: { ...SESSION, scope: 'write' as 'read' } }),
    ],
    ['two headers', `${encodeAgentSession(signed)}, ${encodeAgentSession(signed)}`],
    ['a short key', encodeAgentSession({ ...signed, session: { ...SESSION, key: '0x0b' } })],
    ['a longer header than 4 KiB', 'A'.repeat(4100)],
  ])('refuses %s', (_, header) => {
    expect(parseAgentSession(header).ok).toBe(false);
  });
});

describe('sessionWindow', () => {
  it.each([
    ['valid', 0],
    ['valid', -30],
    ['not_yet_valid', -31],
    ['valid', MAX_SESSION - 1],
    ['expired', MAX_SESSION],
  ] as const)('says %s %i seconds after its beginning', (said, after) => {
    expect(sessionWindow(SESSION, NOW + after)).toBe(said);
  });

  it('refuses a session that is longer than eight hours, however little of it is left', () => {
    const longer = { ...SESSION, validAfter: SESSION.validAfter - 1n };
    expect(sessionWindow(longer, NOW + MAX_SESSION - 1)).toBe('too_long');
  });
});
