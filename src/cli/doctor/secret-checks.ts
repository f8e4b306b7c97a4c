import type { Management } from '../../client/management.ts';
import type { ItemOf } from '../../management/routes.ts';
import { type Check, failure, passed, warning } from '../lib/checks.ts';
import { cliErrorOf } from '../lib/errors.ts';
import { missingText, type NeededSecret, neededSecrets, putText } from '../lib/needed-secrets.ts';
import { counted } from '../lib/text.ts';

type Secret = Pick<ItemOf<'secrets.list'>, 'name' | 'key' | 'host'>;

/** Checks that the gateway's keys open every secret of its vault. */
export const secretChecks = async (
  management: Management,
  upstreamUrl: string,
  signal: AbortSignal,
): Promise<readonly Check[]> => {
  try {
    const secrets: Secret[] = [];
    for await (const secret of management.list('secrets.list', { signal })) secrets.push(secret);
    const tools: unknown[] = [];
    for await (const { tool, disabled } of management.list('tools.list', { signal })) {
      if (!disabled) tools.push(tool);
    }
    return [...keyChecks(secrets), ...missingChecks(neededSecrets(tools, upstreamUrl), secrets)];
  } catch (error) {
    signal.throwIfAborted();
    const { message, hint } = cliErrorOf(error);
    return [failure('secrets', message, hint)];
  }
};

/** A failure for each secret that tools send and that the vault lacks or binds to another host. */
export const missingChecks = (
  needed: readonly NeededSecret[],
  secrets: readonly Secret[],
): readonly Check[] =>
  needed.flatMap((each) => {
    const found = secrets.find(({ name }) => name === each.name);
    if (found === undefined) {
      return [failure('secrets', `${missingText(each)}: calls get 503`, putText(each))];
    }
    return each.hosts.every((host) => host === found.host)
      ? []
      : [
          failure(
            'secrets',
            `the secret ${each.name} is bound to ${found.host}, and its tools call ${each.hosts.join(', ')}: calls get 503`,
            `countersign secret remove ${each.name}, then ${putText(each)}`,
          ),
        ];
  });

/** Nothing for an empty vault. */
export const keyChecks = (secrets: readonly Pick<Secret, 'name' | 'key'>[]): readonly Check[] => {
  if (secrets.length === 0) return [];
  const names = (key: Secret['key']): readonly string[] =>
    secrets.filter((secret) => secret.key === key).map(({ name }) => name);
  const [lost, old] = [names('unknown'), names('old')];
  if (lost.length > 0) {
    return [
      failure(
        'secrets',
        `no key of the gateway opens ${lost.join(', ')}`,
        'Set VAULT_KEY, or VAULT_KEY_OLD, to the key that encrypted them; without it, write them again: `countersign secret rotate <name>`.',
      ),
    ];
  }
  return old.length > 0
    ? [
        warning(
          'secrets',
          `VAULT_KEY_OLD still encrypts ${counted(old.length, 'secret')}`,
          '`countersign secret rewrap` encrypts all with the current VAULT_KEY.',
        ),
      ]
    : [passed('secrets', `VAULT_KEY opens ${counted(secrets.length, 'secret')}`)];
};
