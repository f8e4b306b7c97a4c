import type { Denial, DenialRule } from '../../../../src/protocol/account/denial.ts';
import type { WireFault } from '../../../../src/protocol/fault.ts';
import type { DeniedReason } from '../../../../src/protocol/problem/denial.ts';
import type { MismatchReason } from '../../../../src/protocol/problem/proof.ts';
import type { Reason } from '../../../../src/protocol/problem/reason.ts';
import type { UpstreamReason } from '../../../../src/protocol/problem/upstream.ts';

export const HASH = `0x${'ab'.repeat(32)}` as const;

export const denialOf = (rule: DenialRule, more: Partial<Denial> = {}): Denial => ({
  rule,
  account: 'eip155:84532:0x2222222222222222222222222222222222222222',
  retryAllowed: false,
  policy: HASH,
  ...more,
});

export const denied = (denial: Denial): DeniedReason => ({
  reason: 'denied',
  denial,
  tool: 'enrich',
  price: 15_000_000n,
});

type Name = Reason['reason'];
/** `Omit`, applied to each member of a union. */
type Fields<R> = R extends unknown ? Omit<R, 'reason'> : never;
type Example<K extends Name> = readonly [status: number, Fields<Reason & { reason: K }>];

const wire: Omit<WireFault, 'reason'> = { field: 'f', hint: 'is wrong' };
const mismatch: Omit<MismatchReason, 'reason'> = { field: 'f', expected: 'e', got: 'g' };
const upstream = (money: UpstreamReason['money']) => ({ money });
const manyCommands = {
  account: `eip155:84532:0x${'11'.repeat(20)}`,
  limit: 120,
  window: 60,
  retryAfter: 7,
  resetsAt: 1_800_000_007,
} as const;

/** At least one example of every reason, with the status of its problem. The types require an example for each reason. */
const EXAMPLES: { readonly [K in Name]: readonly Example<K>[] } = {
  too_large: [[431, wire]],
  duplicate_header: [[400, wire]],
  malformed_header: [[400, wire]],
  malformed_field: [[400, wire]],
  unknown_field: [[400, wire]],
  unsupported_version: [[400, wire]],
  unsupported_scheme: [[400, wire]],
  unsupported_network: [[400, wire]],

  requirement_mismatch: [[400, mismatch]],
  intent_mismatch: [[400, mismatch]],
  recipient_mismatch: [[400, mismatch]],
  value_mismatch: [[400, mismatch]],
  wrong_payer: [[400, mismatch]],
  empty_window: [[400, mismatch]],
  window_too_long: [[400, mismatch]],
  valid_too_long: [[400, mismatch]],
  not_yet_valid: [[400, mismatch]],
  expired: [[400, mismatch]],

  not_found: [[404, {}]],
  method_not_allowed: [[405, { allow: ['GET', 'POST'] }]],
  malformed_request: [[400, { field: 'content-type', hint: 'must be sent at most once' }]],
  not_canonical: [[400, { hint: 'holds a dot segment' }]],
  target_too_long: [[414, { limit: 4096 }]],
  body_too_large: [[413, { limit: 1024 }]],
  body_incomplete: [[400, {}]],
  content_encoding: [[415, {}]],

  invalid_session: [[401, { field: 'keyid', detail: 'No key with this id is enrolled.' }]],
  session_ended: [[401, {}]],
  session_repeat: [[409, {}]],
  session_reads: [[403, {}]],

  payment_required: [
    [402, { wants: 'payment' }],
    [402, { wants: 'bound_payment' }],
    [402, { wants: 'credit' }],
  ],
  intent_required: [
    [
      401,
      {
        audience: 'https://gw.example',
        networks: ['eip155:8453'],
        tool: 'whoami',
        intent: {},
      },
    ],
  ],
  too_many_proofs: [[400, { fields: ['PAYMENT-SIGNATURE', 'X-PAYMENT'] }]],
  invalid_signature: [[400, { field: 'payload.signature', fault: 'high_s' }]],
  unsupported_signature: [[400, { field: 'payload.signature' }]],
  retry_key_mismatch: [[400, { field: 'Agent-Retry-Key', hint: 'does not match' }]],
  binding_required: (['tool', 'beneficiary', 'marked', 'unknown_mark'] as const).flatMap(
    (because) =>
      ([1, 2] as const).map(
        (version) => [400, { field: `header ${version}`, version, because }] as const,
      ),
  ),
  proof_too_old: [[400, { field: 'f', expected: '>= 1', got: '0', call: HASH }]],

  in_progress: [[409, { retryAfter: 2 }]],
  conflict: [[409, {}]],
  already_used: [
    [409, { call: HASH }],
    [409, {}],
  ],
  approval_required: [
    [
      403,
      {
        approval: 'https://gateway.example/calls/0x12',
        parked: {
          ...{ until: 1_800_003_600, state: 'waiting', above: 5_000_000n, retryAfter: 5 },
          ...{ asked: `eip155:8453:0x${'aa'.repeat(20)}`, policy: HASH },
        },
        ...{ tool: 'lookup', price: 7_000_000n },
      },
    ],
  ],
  unknown_call: [[404, {}]],
  settlement_unavailable: [[503, { retryAfter: 15 }]],
  busy: [[503, {}]],
  settlement_unknown: [[503, { retryAfter: 5 }]],
  settlement_failed: [
    [403, { fault: 'payer' }],
    [503, { fault: 'gateway' }],
  ],

  denied: [[403, denied(denialOf('per_call'))]],

  forbidden: [[403, {}]],
  precondition_failed: [
    [412, {}],
    [412, { current: HASH }],
  ],
  precondition_required: [[428, { current: HASH }]],
  not_writable: [[409, { hint: 'Wait until it has ended.' }]],
  too_many_commands: [
    [429, { rule: 'command_bytes', ...manyCommands }],
    [429, { rule: 'command_rate', ...manyCommands }],
  ],
  credit_too_low: [[409, { credit: '5' }]],
  unknown_transaction: [[404, {}]],
  transaction_not_final: [[409, { retryAfter: 5 }]],
  no_refund: [[409, {}]],

  malformed_policy: [[400, { field: 'body.policy.perCall', hint: 'must be an amount' }]],
  grant_refused: [[400, { field: 'body.delegation.depth', expected: '<= 1', got: '2' }]],
  already_registered: [
    [409, { field: 'body.delegation.id' }],
    [409, { field: 'body.delegation.id', grant: HASH }],
  ],
  grant_revoked: [[409, { field: 'body.delegation.id' }]],
  holds_leases: [[409, { field: 'body.delegation.delegate' }]],
  unknown_grant: [[404, { field: 'body.delegation.parent' }]],
  penniless: [[403, { field: 'body.delegation.issuer' }]],
  unknown_account: [[404, {}]],

  unknown_document: [[404, { what: 'webhook of this name' }]],
  unknown_tool: [[404, {}]],
  malformed_document: [[400, { faults: [{ field: 'body.price', reason: 'must be' }] }]],

  too_many_requests: [[429, { retryAfter: 10 }]],
  too_many_payments: [[429, { retryAfter: 5 }]],
  facilitator_unavailable: [[503, { retryAfter: 5 }]],
  paused: [[503, {}]],
  payer_unreachable: [[503, { network: 'eip155:8453', needs: 'payer' }]],
  storage_unavailable: [[503, {}]],
  archive_unavailable: [[503, {}]],
  secret_unavailable: [[503, {}]],
  misconfigured: [[503, { faults: [{ name: 'PAY_TO', reason: 'must be set' }] }]],
  internal: [[500, {}]],

  upstream_timeout: [[504, upstream('held')]],
  upstream_dropped: [[502, upstream('untouched')]],
  upstream_truncated: [[502, upstream('credited')]],
  upstream_payment: [[502, upstream('untouched')]],
  upstream_redirect: [[502, upstream('untouched')]],
  upstream_encoding: [[502, upstream('untouched')]],
  upstream_overcharge: [[502, upstream('charged')]],
  upstream_usage: [
    [502, { fault: { fault: 'huge', unit: 'output_tokens', got: '1e15' }, money: 'untouched' }],
  ],
  upstream_oversized: [[502, upstream('untouched')]],
  upstream_malformed: [[502, upstream('untouched')]],
  upstream_error: [[502, { ...upstream('untouched'), error: { code: -32_602, message: 'no' } }]],
  tool_changed: [[503, {}]],
};

/** Every example with its reason. */
export const all: readonly (readonly [status: number, Reason])[] = Object.entries(
  EXAMPLES as Readonly<Record<string, readonly (readonly [number, object])[]>>,
).flatMap(([reason, examples]) =>
  examples.map(([status, fields]) => [status, { ...fields, reason } as Reason] as const),
);
