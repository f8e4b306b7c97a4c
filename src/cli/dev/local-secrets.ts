import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { createManagement } from '../../client/management.ts';
import { blindedSecret } from '../../management/blinded-secret.ts';
import type { RequestOf } from '../../management/routes.ts';
import { SECRET_KINDS } from '../../vault/secret.ts';
import { readText } from '../lib/atomic-file.ts';
import { readStack } from '../lib/local-stack.ts';

type Kept = Omit<RequestOf<'secrets.put'>['body'], 'blind'>;

const schema = z.record(
  z.string(),
  z.strictObject({
    kind: z.enum(SECRET_KINDS),
    host: z.string(),
    value: z.union([z.string(), z.record(z.string(), z.string())]),
    weak: z.exactOptional(z.literal(true)),
    hint: z.exactOptional(z.string()),
  }),
);

/** Like `.dev.vars`: secrets for this machine only, in a directory that git ignores. */
export const secretsFile = (directory: string): string => join(directory, '.dev', 'secrets.json');

/** The secrets that `countersign dev` stores at each start: its database is new each time. */
export const localSecrets = async (directory: string): Promise<Readonly<Record<string, Kept>>> => {
  try {
    const read = schema.safeParse(JSON.parse((await readText(secretsFile(directory))) ?? '{}'));
    return read.success ? read.data : {};
  } catch {
    return {};
  }
};

/** Keeps a secret that was stored at the local stack of a directory, or forgets it. Does nothing for another gateway. */
export const keepLocalSecret = async (
  directory: string,
  gateway: string,
  name: string,
  secret: Kept | undefined,
): Promise<void> => {
  if ((await readStack(directory))?.gateway !== gateway) return;
  const { [name]: _, ...others } = await localSecrets(directory);
  const all = secret === undefined ? others : { ...others, [name]: secret };
  const file = secretsFile(directory);
  await writeFile(file, `${JSON.stringify(all, undefined, 2)}\n`, { mode: 0o600 });
  await chmod(file, 0o600);
};

/** Stores the kept secrets at a stack that has just started. */
export const restoreSecrets = async (directory: string): Promise<void> => {
  const stack = await readStack(directory);
  const kept = Object.entries(await localSecrets(directory));
  if (stack === undefined || kept.length === 0) return;
  const { privateKeyToAccount } = await import('viem/accounts');
  const account = privateKeyToAccount(stack.operator.privateKey as `0x${string}`);
  const management = createManagement({ gateway: stack.gateway, account });
  for (const [secret, body] of kept) {
    await management.call('secrets.put', {
      params: { secret },
      body: blindedSecret(body),
      ifNoneMatch: '*',
    });
  }
};
