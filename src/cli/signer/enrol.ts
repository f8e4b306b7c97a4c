import type { Address, Hex } from '../../core/hex.ts';
import { checksummed } from '../../crypto/address.ts';
import { MAX_ENROLLED } from '../../protocol/signer/management.ts';
import { signerRpcPath } from '../../protocol/signer/rpc.ts';
import type { Command } from '../lib/command.ts';
import { CliError, isRefusal, usageError } from '../lib/errors.ts';
import { newKeyName } from '../lib/keystore.ts';
import { changedText, sentence } from '../lib/print.ts';
import { counted } from '../lib/text.ts';
import {
  addAddresses,
  directoryOf,
  newAgentFiles,
  publicKeysIn,
  removeAgentFiles,
  writeAgentFiles,
} from './agent-files.ts';
import { agentsOf, exposureText } from './agents.ts';
import { AT_SIGNER, openOwner, type OwnerClient, warnIfStopped } from './client.ts';
import { POLICY, policyIn, termsOfGateway } from './policy-options.ts';

export const enrol: Command = {
  summary: 'enrol agents under a policy; makes their keys unless you give public ones',
  arguments: [{ syntax: '<name>', summary: 'label of the agent, and name of its key file' }],
  options: [
    { flags: '--count <number>', summary: 'enrol this many, as <name>-1, <name>-2, …' },
    { flags: '--jwk <file>', summary: 'public key that the agent made, or an array; - for stdin' },
    { flags: '--out <directory>', summary: 'directory of the key files (default: your agents)' },
    {
      flags: '--wallet <key>',
      summary: 'wallet key in a key service (default: a new one from the fleet seed)',
    },
    ...POLICY,
    ...AT_SIGNER,
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign signer enrol bot --gateway https://gateway.example --per-call 0.05 --per-day 1',
    'countersign signer enrol worker --count 1000 --policy policy.json --as treasury',
    'countersign signer enrol phone --jwk phone.json --policy policy.json',
  ],
  run: async (session, input) => {
    const { out, progress } = session;
    const name = newKeyName(input.arguments[0]);
    const given = await publicKeysIn(session, input);
    const count = given?.length ?? input.number('count', 1, MAX_ENROLLED) ?? 1;
    const key = input.text('wallet');
    if (key !== undefined && count > 1) {
      throw usageError('One wallet key serves one agent.', 'Leave out --count, or --wallet.');
    }
    const client = await openOwner(session, input);
    const policy = await policyIn(session, input, {
      tools: ['*'],
      ...(await termsFor(session, input)),
    });
    const url = client.origin + signerRpcPath(client.owner);
    const names = namesFrom(name, count);
    await requireFree(client, names);
    const files =
      given === undefined
        ? await progress.during('making keys', async () =>
            newAgentFiles(names, directoryOf(session, input), { url }),
          )
        : [];
    // Write the keys before the signer knows them: an enrolled key that is lost would leave a wallet that no agent can use.
    await writeAgentFiles(session, files);
    warnIfStopped(client);
    const body = {
      agents: (given ?? files.map(({ jwk }) => jwk)).map((jwk, at) => ({
        jwk,
        label: names[at] ?? name,
        ...(key === undefined ? {} : { key }),
      })),
      policy,
    };
    const answer = await client.call('agents.enrol', { body }).catch(async (thrown: unknown) => {
      // After a lost answer the signer may know the keys.
      if (!isRefusal(thrown, 'command_lost')) await removeAgentFiles(files);
      throw thrown;
    });
    const addresses = answer.agents.map(({ address }) => checksummed(address as Address) as Hex);
    await addAddresses(session, files, addresses);
    const enrolled = answer.agents.map((agent, at) => ({
      ...agent,
      address: addresses[at] ?? agent.address,
      ...(files[at] === undefined ? {} : { file: files[at].path }),
    }));
    out.result({ ...answer, url, agents: enrolled }, () =>
      [
        changedText(
          out,
          answer.changed,
          `${counted(enrolled.length, 'agent')} enrolled at ${client.origin}`,
        ),
        ...enrolled
          .slice(0, SHOWN)
          .map(
            ({ label = '', address, file }) =>
              `${out.style.bold(label)}  ${address}${file === undefined ? '' : `  ${out.style.dim(file)}`}`,
          ),
        ...(enrolled.length > SHOWN ? [out.style.dim(`and ${enrolled.length - SHOWN} more`)] : []),
        `${out.style.dim('signs at')}  ${url}`,
        sentence(out, 'Send USDC to each address: agents pay from there.'),
        out.style.warn(exposureText(out, answer.exposure.each)),
        ...(enrolled.length === 1
          ? []
          : [out.style.warn(exposureText(out, answer.exposure.all, enrolled.length))]),
      ].join('\n'),
    );
  },
};

const SHOWN = 20;

const namesFrom = (name: string, count: number): readonly string[] =>
  count === 1 ? [name] : Array.from({ length: count }, (_, at) => newKeyName(`${name}-${at + 1}`));

/** `--as` takes keys and agents by the same names, and commands take agents by their labels. @throws CliError */
const requireFree = async (client: OwnerClient, names: readonly string[]): Promise<void> => {
  const { keystore } = client.session;
  const labels = new Set(
    (await agentsOf(client)).flatMap(({ label, status }) => (status === 'revoked' ? [] : [label])),
  );
  for (const name of names) {
    if ((await keystore.entry(name)) !== undefined) throw taken('A key or fleet', name);
    if (labels.has(name)) throw taken('An agent', name);
  }
};

const taken = (what: string, name: string): CliError =>
  new CliError(`${what} named ${name} already exists.`, {
    hint: 'Choose another name. `countersign signer list` and `countersign keys list` print them.',
    code: 'name_taken',
  });

/** A whole policy needs no gateway. */
const termsFor = async (
  ...[session, input]: Parameters<Command['run']>
): ReturnType<typeof termsOfGateway> =>
  input.text('policy') === undefined ? await termsOfGateway(session) : {};
