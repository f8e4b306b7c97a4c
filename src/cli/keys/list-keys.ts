import { checksummed } from '../../crypto/checksum.ts';
import type { Session } from '../lib/session.ts';
import { table } from '../lib/table.ts';
import { counted } from '../lib/text.ts';

/** `keys list`: names and addresses. Needs no password. */
export const listKeys = async ({ keystore, out }: Session): Promise<void> => {
  const entries = await keystore.entries();
  const document = {
    directory: keystore.directory,
    keys: entries.flatMap((entry) =>
      entry.kind === 'key' ? [{ name: entry.name, address: checksummed(entry.address) }] : [],
    ),
    fleets: entries.flatMap((entry) =>
      entry.kind === 'fleet' ? [{ name: entry.name, agents: entry.agents.length }] : [],
    ),
  };
  out.result(document, () =>
    entries.length === 0
      ? `No keys yet. Make one with ${out.style.accent('countersign keys new <name>')}.`
      : table(
          [{ title: 'NAME' }, { title: 'ADDRESS', cut: 'middle' }],
          entries.map((entry) => [
            entry.name,
            entry.kind === 'key'
              ? checksummed(entry.address)
              : `fleet of ${counted(entry.agents.length, 'agent')}`,
          ]),
          out.width,
          (text, _, row) => (row === 'title' ? out.style.dim(text) : text),
        ),
  );
};
