import { cardSecrets, parseCard } from '../../cards/card-terms.ts';
import type { Management } from '../../client/management.ts';
import type { ItemOf } from '../../management/routes.ts';
import { type Check, failure, passed, warning } from '../lib/checks.ts';
import { cliErrorOf } from '../lib/errors.ts';
import { counted } from '../lib/text.ts';

type Sold = Pick<ItemOf<'tools.list'>, 'tool'>['tool'];
type Secret = Pick<ItemOf<'secrets.list'>, 'name' | 'host' | 'key'>;

/** Checks that every tool with a card has its secrets, and that the gateway takes events of the issuer. No check for a gateway without such tools. */
export const cardChecks = async (
  management: Management,
  gateway: string,
  signal: AbortSignal,
): Promise<readonly Check[]> => {
  try {
    const tools: Sold[] = [];
    for await (const { tool, disabled } of management.list('tools.list', { signal })) {
      if (!disabled && tool.card !== undefined) tools.push(tool);
    }
    if (tools.length === 0) return [];
    const secrets: Secret[] = [];
    for await (const secret of management.list('secrets.list', { signal })) secrets.push(secret);
    const checks = tools.map((tool) => secretCheck(tool, secrets));
    const isIssuing = tools.some(({ card }) => card?.['way'] === 'issuing');
    return isIssuing ? [...checks, await eventCheck(gateway, signal)] : checks;
  } catch (error) {
    signal.throwIfAborted();
    const { message, hint } = cliErrorOf(error);
    return [failure('cards', message, hint)];
  }
};

/** Whether a tool's card has what it needs in the vault. */
export const secretCheck = (tool: Sold, secrets: readonly Secret[]): Check => {
  const name = `card of ${tool.id}`;
  const card = parseCard({ ...tool, secrets: tool.secrets ?? [] });
  if (!card.ok) {
    const [fault] = card.error;
    return failure(name, `${fault?.field ?? ''} ${fault?.reason ?? ''}`, 'Correct the tool.');
  }
  const needed = cardSecrets(card.value);
  const found = needed.map((each) => secrets.find((secret) => secret.name === each));
  const missing = needed.filter((_, at) => found[at] === undefined);
  if (missing.length > 0) {
    return failure(
      name,
      `the vault has no secret ${missing.join(', ')}: calls get 503`,
      `countersign secret put ${missing[0] ?? ''} --host ${card.value.way === 'issuing' ? 'api.stripe.com' : 'api.basistheory.com'}`,
    );
  }
  if (new Set(found.map((secret) => secret?.host)).size > 1) {
    return failure(name, 'its secrets are bound to different hosts', 'Put them anew for one host.');
  }
  const unknown = found.find((secret) => secret?.key === 'unknown');
  return unknown === undefined
    ? passed(name, `${counted(needed.length, 'secret')} for ${found[0]?.host ?? ''}`)
    : failure(
        name,
        `no key of the gateway opens the secret ${unknown.name}`,
        'Restore VAULT_KEY, or put the secret again.',
      );
};

const EVENTS = 'card events';
const TIMEOUT_MS = 10_000;

/** Without its secret the gateway answers 404 to every event, also to this one without a signature. */
const eventCheck = async (gateway: string, signal: AbortSignal): Promise<Check> => {
  const answer = await fetch(`${gateway}/webhooks/cards/stripe`, {
    ...{ method: 'POST', body: '{}', redirect: 'manual' },
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  await answer.body?.cancel();
  return answer.status === 400
    ? passed(EVENTS, 'the gateway verifies them')
    : warning(
        EVENTS,
        'the gateway takes no events: it learns what a card paid only by asking, and cannot decline',
        'Set CARD_WEBHOOK_SECRET: docs/cards.md.',
      );
};
