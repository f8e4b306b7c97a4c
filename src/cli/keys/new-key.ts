import { randomBytes } from 'node:crypto';
import { checksummed } from '../../crypto/checksum.ts';
import type { Input } from '../lib/command.ts';
import { mustBeKeyName } from '../lib/key-name.ts';
import type { Session } from '../lib/session.ts';
import { addressOfKey, isKeyInRange } from '../lib/private-key.ts';

/** `keys new`: a random key, shown to nobody. */
export const newKey = async ({ keystore, out }: Session, input: Input): Promise<void> => {
  const name = mustBeKeyName(input.arguments[0]);
  let secret = randomBytes(32);
  while (!isKeyInRange(secret)) secret = randomBytes(32);
  const address = addressOfKey(secret);
  const entry = await keystore.add({ kind: 'key', name, address }, secret);
  out.result({ name, address: checksummed(address), file: entry.file }, () =>
    [
      `${out.style.good('made')} ${out.style.bold(name)}  ${checksummed(address)}`,
      out.style.dim(`encrypted in ${entry.file}: keep a copy of it, and its password`),
    ].join('\n'),
  );
};
