import * as z from 'zod/mini';
import { type AssetId, assetId, type Network } from '../../protocol/account-id.ts';
import { formatDollars } from '../../protocol/amount.ts';
import { signerPolicySchema } from '../../protocol/signer/policy.ts';
import type { OptionSpec } from '../lib/command.ts';
import { CliError, EXIT, usageError } from '../lib/errors.ts';
import { httpGet } from '../lib/http-get.ts';
import { type Input, jsonFile, listOf, optionOf } from '../lib/input.ts';
import { payeeIn } from '../lib/policy.ts';
import type { Session } from '../lib/session.ts';
import { amountIn, durationIn } from '../lib/units.ts';

/** A policy of the signer as a document (docs/signer.md). */
export type PolicyDocument = z.input<typeof signerPolicySchema>;
type Draft = Partial<PolicyDocument>;

const WINDOWS = { '--per-hour': 'hour', '--per-day': 'day', '--per-month': 'month' } as const;

/** Options that set fields of a policy; each removes its field with `none`. */
export const POLICY: readonly OptionSpec[] = [
  { flags: '--policy <file>', summary: 'the whole policy as JSON; - for stdin' },
  { flags: '--per-call <amount>', summary: 'limit per signature, e.g. 0.05' },
  { flags: '--per-hour <amount>', summary: 'limit per hour of UTC' },
  { flags: '--per-day <amount>', summary: 'limit per day of UTC' },
  { flags: '--per-month <amount>', summary: 'limit per month of UTC' },
  { flags: '--total <amount>', summary: 'limit on everything that is ever signed' },
  { flags: '--tools <ids>', summary: 'tool ids, prefix.* or *, comma-separated' },
  { flags: '--payee <addresses>', summary: 'allowed payees, comma-separated, or any' },
  { flags: '--audience <origins>', summary: 'allowed gateways, comma-separated' },
  { flags: '--assets <assets>', summary: 'allowed assets, as eip155:8453/erc20:0x…' },
  { flags: '--longest <time>', summary: 'longest validity of a signature, e.g. 10m' },
  { flags: '--approve-above <amount>', summary: 'amount above which a person must approve' },
];

/** Whether the options name a policy or a part of one. */
export const hasPolicy = (input: Input): boolean =>
  POLICY.some(({ flags }) => input.text(optionOf(flags.split(' ')[0] ?? '')) !== undefined);

/** A draft with the fields changed that the options name, and no others. @throws CliError usage */
export const withPolicyOptions = (before: Draft, input: Input): Draft => {
  const draft: Record<string, unknown> = { ...before };
  const set = (flag: string, field: string, read: (text: string) => unknown): void => {
    const text = input.text(optionOf(flag));
    if (text === undefined) return;
    if (text === 'none') delete draft[field];
    else draft[field] = read(text);
  };
  const money = (flag: string) => (text: string) => formatDollars(amountIn(text, flag));
  set('--per-call', 'perSignature', money('--per-call'));
  set('--total', 'lifetime', money('--total'));
  set('--approve-above', 'approveAbove', money('--approve-above'));
  set('--tools', 'tools', listOf);
  set('--payee', 'payees', (text) => listOf(text).map(payeeIn));
  set('--audience', 'audiences', listOf);
  set('--assets', 'assets', listOf);
  set('--longest', 'maxValidity', (text) => secondsIn(text, '--longest'));
  let windows = before.windows ?? [];
  for (const [flag, every] of Object.entries(WINDOWS)) {
    const text = input.text(optionOf(flag));
    if (text === undefined) continue;
    windows = windows.filter((each) => each.every !== every);
    if (text !== 'none') windows = [...windows, { every, limit: money(flag)(text) }];
  }
  return { ...draft, windows } as Draft;
};

/** The policy of `--policy`, else `before`, changed by the other options. @throws CliError usage, which names each faulty field */
export const policyIn = async (
  session: Session,
  input: Input,
  before: Draft,
): Promise<PolicyDocument> => {
  const file = input.text('policy');
  const from = file === undefined ? before : ((await jsonFile(session, file)) as Draft);
  const document = withPolicyOptions(from, input);
  const parsed = signerPolicySchema.safeParse(document);
  if (parsed.success) return document as PolicyDocument;
  const faults = parsed.error.issues.map(
    ({ path, message }) => `${path.length === 0 ? 'it' : path.join('.')} ${message}`,
  );
  throw new CliError(`That is not a valid policy: ${faults.slice(0, 4).join('; ')}.`, {
    hint: 'Give e.g. --gateway https://gateway.example --per-call 0.05 --per-day 1. docs/signer.md lists the fields.',
    exit: EXIT.usage,
    code: 'malformed_policy',
    details: { faults },
  });
};

export const secondsIn = (text: string, flag: string): number => {
  const seconds = durationIn(text);
  if (seconds !== undefined) return seconds;
  throw usageError(`${flag} takes a duration.`, `Give e.g. ${flag} 10m.`);
};

const descriptionSchema = z.looseObject({
  audience: z.string(),
  networks: z
    .array(z.looseObject({ network: z.string(), asset: z.string(), pay_to: z.string() }))
    .check(z.maxLength(64)),
});

/**
 * A gateway's audience, payees and tokens, so that the options of a policy for it only need amounts. Empty without a gateway. @throws
 * CliError
 */
export const termsOfGateway = async ({ profile, signal }: Session): Promise<Draft> => {
  const gateway = await profile.gatewayIfAny();
  if (gateway === undefined) return {};
  const answer = await httpGet(`${gateway}/.well-known/agent-intent`, signal);
  const read = descriptionSchema.safeParse(answer.ok ? answer.value.json : undefined);
  if (!read.success) {
    throw new CliError(`${gateway} does not describe itself as a Countersign gateway.`, {
      hint: 'Correct --gateway, or give --audience, --payee and --assets.',
      exit: answer.ok ? EXIT.failed : EXIT.network,
      code: 'no_gateway',
    });
  }
  const { audience, networks } = read.data;
  const assets = networks.map(({ network, asset }): AssetId =>
    assetId(network as Network, asset.toLowerCase() as `0x${string}`),
  );
  return {
    audiences: [audience],
    payees: [...new Set(networks.map(({ pay_to: payTo }) => payTo.toLowerCase()))],
    assets: [...new Set(assets)],
  };
};
