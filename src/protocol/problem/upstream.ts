import type { ProblemText, Texts } from './problem-text.ts';

/** The tool gave no answer that the gateway can return. `money` states what that means for the caller. */
export type UpstreamReason = {
  readonly reason:
    | 'upstream_timeout'
    | 'upstream_dropped'
    | 'upstream_truncated'
    | 'upstream_payment'
    | 'upstream_redirect'
    | 'upstream_encoding'
    /** The tool charged more than the call had reserved, or stated no readable charge. */
    | 'upstream_overcharge';
  readonly money: Money;
};

/**
 * `untouched`: the call charged nothing. `credited`: the payment had settled and is credit now. `held`: the amount stays reserved until
 * the operator resolves the call, because the tool may have spent it on the caller's behalf (`onSilence: keep`, law 4). `charged`: the
 * operator has resolved such a call as charged.
 */
export type Money = 'untouched' | 'credited' | 'held' | 'charged';

const MONEY_HINTS: Readonly<Record<Money, string>> = {
  untouched: 'The call charged nothing. To try again, sign a new proof.',
  credited:
    'The payment had settled before the tool failed, so the amount is credit of the paying account now: its next call that the credit covers spends it. To try again, sign a new proof.',
  held: 'The tool may have acted, so the gateway keeps the amount reserved until the operator resolves the call. Do not sign again before.',
  charged: 'The operator has resolved this call and charged the amount.',
};

const failed =
  (status: number, title: string, detail: string) =>
  ({ money }: UpstreamReason): ProblemText => ({
    status,
    title,
    detail,
    hint: MONEY_HINTS[money],
    more: { money },
  });

export const upstreamTexts: Texts<UpstreamReason> = {
  upstream_timeout: failed(504, 'Tool timed out', 'The tool did not answer in time.'),
  upstream_dropped: failed(
    502,
    'Tool not reachable',
    'The tool closed the connection without an answer.',
  ),
  upstream_truncated: failed(
    502,
    'Answer incomplete',
    'The tool closed the connection before the end of its answer.',
  ),
  upstream_payment: failed(
    502,
    'Tool requires payment itself',
    'The tool behind the gateway answered 402.',
  ),
  upstream_redirect: failed(
    502,
    'Tool redirected',
    'The tool answered with a redirect, which the gateway does not follow.',
  ),
  upstream_encoding: failed(
    502,
    'Answer not readable',
    'The tool answered in a content encoding that the gateway did not request.',
  ),
  upstream_overcharge: failed(
    502,
    'Tool charged too much',
    'The tool charged more than this call may cost, or did not state a readable charge.',
  ),
};
