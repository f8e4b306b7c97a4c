import { rename } from 'node:fs/promises';
import type { Address, Hex } from '../../core/hex.ts';
import { checksummed } from '../../crypto/address.ts';
import { signerRpcPath } from '../../protocol/signer/rpc.ts';
import type { Command } from '../lib/command.ts';
import { isRefusal, usageError } from '../lib/errors.ts';
import { isKeyName } from '../lib/keystore.ts';
import { changedText } from '../lib/print.ts';
import { exactly } from '../lib/units.ts';
import {
  directoryOf,
  newAgentFiles,
  publicKeysIn,
  removeAgentFiles,
  writeAgentFiles,
} from './agent-files.ts';
import { agentsNamed, agentsOf, nameOf } from './agents.ts';
import { AT_SIGNER, openOwner, warnIfStopped } from './client.ts';
import { secondsIn } from './policy-options.ts';

export const rotate: Command = {
  summary: 'replace the key of an agent; its wallet, policy and counters stay',
  arguments: [{ syntax: '<agent>', summary: 'label, address or key id' }],
  options: [
    { flags: '--jwk <file>', summary: 'new public key that the agent made; - for stdin' },
    {
      flags: '--overlap <time>',
      summary: 'how long the old key still works (default: not at all)',
    },
    { flags: '--out <directory>', summary: 'directory of the key file (default: your agents)' },
    ...AT_SIGNER,
  ],
  shared: ['signer'],
  examples: [
    'countersign signer rotate bot --overlap 10m',
    'countersign signer rotate phone --jwk phone.json --as treasury',
  ],
  run: async (session, input) => {
    const { out } = session;
    const text = input.text('overlap');
    const overlap = text === undefined ? 0 : secondsIn(text, '--overlap');
    const given = await publicKeysIn(session, input);
    const client = await openOwner(session, input);
    const [agent] = agentsNamed(await agentsOf(client), input.arguments);
    if (agent === undefined || (given !== undefined && given.length !== 1)) {
      throw usageError('The command replaces one key.', 'Give one agent, and one public key.');
    }
    const name = agent.label !== undefined && isKeyName(agent.label) ? agent.label : agent.address;
    const url = client.origin + signerRpcPath(client.owner);
    // The old key works until the signer has the new one, so the new one waits in a file of its own.
    const files =
      given === undefined
        ? await newAgentFiles([`${name}.next`], directoryOf(session, input), {
            url,
            address: checksummed(agent.address as Address) as Hex,
          })
        : [];
    await writeAgentFiles(session, files);
    warnIfStopped(client);
    const [jwk] = given ?? files.map((file) => file.jwk);
    const answer = await client
      .call('agents.rotate', { body: { agent: agent.agent, jwk, overlap } })
      .catch(async (thrown: unknown) => {
        if (!isRefusal(thrown, 'command_lost')) await removeAgentFiles(files);
        throw thrown;
      });
    const [next] = files;
    const file = next?.path.replace(/\.next\.json$/, '.json');
    if (next !== undefined && file !== undefined) await rename(next.path, file);
    const result = { ...answer, url, ...(file === undefined ? {} : { file }) };
    out.result(result, () =>
      [
        changedText(
          out,
          answer.changed,
          `key of ${nameOf(agent)} replaced${overlap === 0 ? '' : `; the old one works for another ${exactly(overlap)}`}`,
        ),
        ...(file === undefined ? [] : [out.style.dim(`give the agent ${file}`)]),
      ].join('\n'),
    );
  },
};
