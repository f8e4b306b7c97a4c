import { blindedSecret } from '../management/blinded-secret.ts';
import type { ItemOf, RequestOf } from '../management/routes.ts';
import { parseStrictJson } from '../protocol/strict-json.ts';
import { SECRET_KINDS, type SecretKind } from '../vault/secret.ts';
import { type AdminClient, collected, openAdmin, warnIfStopped } from './lib/admin-client.ts';
import type { ArgumentSpec, Command, CommandGroup, OptionSpec } from './lib/command.ts';
import { CliError, Ended, EXIT, usageError } from './lib/errors.ts';
import type { Input } from './lib/input.ts';
import { changedText, listed, sentence } from './lib/print.ts';
import type { Session } from './lib/session.ts';
import { shortTime } from './lib/units.ts';
import { keepLocalSecret, localSecrets } from './dev/local-secrets.ts';
import { readConfigFiles, TOOLS_FILE } from './lib/config-files.ts';
import { type NeededSecret, projectSecrets, putText } from './lib/needed-secrets.ts';
import { printable } from './lib/text.ts';

type Secret = ItemOf<'secrets.list'>;
type PutBody = RequestOf<'secrets.put'>['body'];

const SECRET: ArgumentSpec = { syntax: '<name>', summary: 'name of the secret' };

/** Never an argument: other users of the machine can read arguments, and shells keep them. */
const VALUE: readonly OptionSpec[] = [
  { flags: '--user <user>', summary: 'user of a basic secret; its password is the value' },
  { flags: '--header <name>', summary: 'header of a header secret' },
  { flags: '--weak', summary: 'store it although an agent could guess it' },
];

const weakOf = (input: Input): Pick<PutBody, 'weak'> => (input.flag('weak') ? { weak: true } : {});

const MAX_INPUT = 16_384;

const secretsOf = async (admin: AdminClient): Promise<readonly Secret[]> =>
  await collected(admin, admin.list('secrets.list'));

const secretNamed = async (admin: AdminClient, name: string): Promise<Secret> => {
  const found = (await secretsOf(admin)).find((each) => each.name === name);
  if (found !== undefined) return found;
  throw new CliError(`No secret has the name ${name}.`, {
    hint: '`countersign secret list` lists them.',
    code: 'unknown_document',
  });
};

/** Asks for the value at a terminal; otherwise reads standard input. */
const valueOf = async (
  { prompts, stdin }: Session,
  kind: SecretKind,
  input: Input,
): Promise<PutBody['value']> => {
  const given = prompts.isInteractive
    ? await prompts.hidden({ message: 'Value of the secret', instead: 'it on standard input' })
    : await textOf(stdin);
  const text = given.replace(/\r?\n$/, '');
  switch (kind) {
    case 'token':
      return text;
    case 'basic':
      return { user: needed(input, 'user', kind), password: text };
    case 'header':
      return { name: needed(input, 'header', kind), value: text };
    case 'json': {
      const json = parseStrictJson(text);
      if (json.ok) return json.value as PutBody['value'];
      throw usageError(
        'The value is not valid JSON.',
        'Give an object of texts, e.g. {"id": "…"}.',
      );
    }
  }
};

const textOf = async (stdin: Session['stdin']): Promise<string> => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(
      await stdin(MAX_INPUT),
    );
  } catch {
    throw usageError(
      'Standard input is no text, or too long.',
      `Give at most ${MAX_INPUT} bytes of UTF-8.`,
    );
  }
};

const needed = (input: Input, option: 'user' | 'header', kind: SecretKind): string => {
  const text = input.text(option);
  if (text !== undefined) return text;
  throw usageError(`--${option} is missing.`, `Give --${option} for a secret of kind ${kind}.`);
};

/** The secrets that the tools of this directory need at the gateway of the command. */
const neededIn = async ({ directory, profile }: Session): Promise<Needed> => {
  const read = await readConfigFiles(directory);
  if (read?.ok !== true) return { all: [], missing: [] };
  const { secrets, variables } = read.value;
  const stack = await profile.stack();
  const isLocal = stack !== undefined && stack.gateway === (await profile.gatewayIfAny());
  const upstream = isLocal
    ? stack.upstream
    : (secrets['UPSTREAM_URL'] ?? variables['UPSTREAM_URL'] ?? '');
  const all = await projectSecrets(directory, upstream);
  const kept = isLocal ? await localSecrets(directory) : {};
  return { all, missing: all.filter((each) => kept[each.name] === undefined) };
};

type Needed = {
  readonly all: readonly NeededSecret[];
  /** For a local stack, without the secrets that it already has; for another gateway all of them. */
  readonly missing: readonly NeededSecret[];
};

/** The host that gets the secret: with another one than tools.json names, every call would get 503. @throws CliError usage */
const hostFor = (name: string, given: string | undefined, { all, missing }: Needed): string => {
  const known = all.find((each) => each.name === name)?.hosts ?? [];
  const host = given ?? (known.length === 1 ? known[0] : undefined);
  if (host === undefined) {
    if (all.length > 0 && !all.some((each) => each.name === name)) {
      throw usageError(
        `No tool in ${TOOLS_FILE} names the secret ${printable(name)}, so the command does not know its host.`,
        missing.length === 0
          ? 'The gateway has every secret that the tools name. Give --host <host> to store another one.'
          : `The tools need ${missing.map((each) => `${each.name} (\`${putText(each)}\`)`).join(', ')}. Give --host <host> to store another one.`,
      );
    }
    throw usageError('--host is missing.', 'Give the host of the upstream, e.g. api.example.');
  }
  if (known.length === 0 || known.includes(host)) return host;
  throw usageError(
    `${TOOLS_FILE} sends ${name} to ${known.join(', ')}, not to ${host}.`,
    `Give --host ${known[0]}, or correct the upstream of the tools.`,
  );
};

const send = async (
  admin: AdminClient,
  name: string,
  secret: Omit<PutBody, 'blind'>,
  etag: string | undefined,
) => {
  warnIfStopped(admin);
  const { body } = await admin.call('secrets.put', {
    params: { secret: name },
    body: blindedSecret(secret),
    ...(etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: etag }),
  });
  return body;
};

const put: Command = {
  summary: 'store a new secret; reads its value from standard input or asks for it',
  arguments: [SECRET],
  options: [
    {
      flags: '--host <host>',
      summary: 'the only host that gets it (default: that of the tools in tools.json that name it)',
    },
    {
      flags: '--kind <kind>',
      summary: 'form of the value (default: token)',
      choices: SECRET_KINDS,
    },
    { flags: '--hint <text>', summary: 'text for people, to tell versions apart' },
    ...VALUE,
  ],
  shared: ['gateway', 'signer'],
  examples: ['cat key.txt | countersign secret put weather --host api.weather.example'],
  run: async (session, input) => {
    const { out } = session;
    const name = input.arguments[0] ?? '';
    const needed = await neededIn(session);
    const host = hostFor(name, input.text('host'), needed);
    const ofTools = needed.all.find((each) => each.name === name)?.kind;
    const kind = (input.text('kind') ?? ofTools ?? 'token') as SecretKind;
    const hint = input.text('hint');
    const admin = await openAdmin(session, 'operator');
    if ((await secretsOf(admin)).some((each) => each.name === name)) {
      throw new CliError(`The secret ${name} exists already. The command wrote nothing.`, {
        hint: `\`countersign secret rotate ${name}\` replaces its value; to bind it to another host, remove it first.`,
        code: 'exists',
      });
    }
    const value = await valueOf(session, kind, input);
    const secret = { kind, host, value, ...weakOf(input), ...(hint === undefined ? {} : { hint }) };
    const answer = await send(admin, name, secret, undefined);
    await keepLocalSecret(session.directory, admin.gateway, name, secret);
    out.result({ name, kind, host, ...answer }, () =>
      changedText(out, answer.changed, `${name} stored for ${host}`),
    );
  },
};

const rotate: Command = {
  summary: 'replace the value of a secret; every isolate uses the new one within a minute',
  arguments: [SECRET],
  options: [
    { flags: '--hint <text>', summary: 'text for people, to tell versions apart' },
    ...VALUE,
  ],
  shared: ['gateway', 'signer'],
  examples: ['cat new-key.txt | countersign secret rotate weather'],
  run: async (session, input) => {
    const { out } = session;
    const name = input.arguments[0] ?? '';
    const admin = await openAdmin(session, 'operator');
    const { kind, host, etag, version } = await secretNamed(admin, name);
    const value = await valueOf(session, kind, input);
    const hint = input.text('hint');
    const secret = { kind, host, value, ...weakOf(input), ...(hint === undefined ? {} : { hint }) };
    const answer = await send(admin, name, secret, etag);
    await keepLocalSecret(session.directory, admin.gateway, name, secret);
    out.result({ name, replaced: version, ...answer }, () =>
      changedText(
        out,
        answer.changed,
        `${name} replaced; keep the old value valid at ${host} for another minute`,
      ),
    );
  },
};

const list: Command = {
  summary: 'list secrets, the tools that used them and when; never their values',
  shared: ['gateway', 'signer'],
  examples: ['countersign secret list'],
  run: async (session) => {
    const { out } = session;
    const secrets = await secretsOf(await openAdmin(session, 'operator'));
    out.result({ secrets }, () =>
      secrets.length === 0
        ? sentence(out, 'No secrets yet. `countersign secret put <name> --host <host>` stores one.')
        : listed(
            out,
            [
              { title: 'NAME' },
              { title: 'KIND' },
              { title: 'HOST', cut: 'end' },
              { title: 'VERSION', align: 'right' },
              { title: 'WRITTEN' },
              { title: 'KEY' },
              { title: 'LAST USED BY', cut: 'end' },
              { title: 'HINT', cut: 'end' },
            ],
            secrets.map(({ name, kind, host, version, at, key, uses: [last], hint }) => [
              ...[name, kind, host, String(version), shortTime(at), key],
              last === undefined ? '' : `${last.tool}, ${shortTime(last.at)}`,
              hint ?? '',
            ]),
            (text, column, row) =>
              column === 5 && secrets[row]?.key === 'unknown' ? out.style.bad(text) : text,
          ),
    );
  },
};

const remove: Command = {
  summary: 'remove a secret and erase its values',
  arguments: [SECRET],
  shared: ['gateway', 'signer'],
  examples: ['countersign secret remove weather'],
  run: async (session, input) => {
    const { out } = session;
    const name = input.arguments[0] ?? '';
    const admin = await openAdmin(session, 'operator');
    const { etag } = await secretNamed(admin, name);
    warnIfStopped(admin);
    const { body } = await admin.call('secrets.delete', {
      params: { secret: name },
      ifMatch: etag,
    });
    await keepLocalSecret(session.directory, admin.gateway, name, undefined);
    out.result({ name, ...body }, () => changedText(out, body.changed, `${name} removed`));
  },
};

const rewrap: Command = {
  summary: 'encrypt all secrets with the current VAULT_KEY; repeat it after an interruption',
  shared: ['gateway', 'signer'],
  examples: ['countersign secret rewrap'],
  run: async (session) => {
    const { out } = session;
    const admin = await openAdmin(session, 'operator');
    const unreadable: string[] = [];
    let rewrapped = 0;
    let remaining = 0;
    for (let after: string | undefined; ;) {
      const { body } = await admin.call('secrets.rewrap', {
        body: after === undefined ? {} : { after },
      });
      rewrapped += body.rewrapped;
      remaining = body.remaining;
      unreadable.push(...body.unreadable);
      if (body.next === undefined) break;
      out.note(`${rewrapped} secrets done, ${remaining} remain`);
      after = body.next;
    }
    out.result({ rewrapped, remaining, unreadable }, () =>
      remaining === 0
        ? `${out.style.good('done')}  ${rewrapped} secrets; VAULT_KEY_OLD is no longer needed`
        : `${out.style.bad('not done')}  no key opens ${unreadable.join(', ')}`,
    );
    if (remaining > 0) throw new Ended(EXIT.failed);
  },
};

export const group: CommandGroup = {
  examples: ['cat key.txt | countersign secret put weather --host api.weather.example'],
  commands: { list, put, rotate, remove, rewrap },
};
