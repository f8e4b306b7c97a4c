import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { checksummed } from '../../crypto/address.ts';
import type { FileToWrite } from '../lib/atomic-file.ts';
import { type ConfigFiles, SECRETS_FILE, TOOLS_FILE } from '../lib/config-files.ts';
import { CliError } from '../lib/errors.ts';
import { parseConfigText, valueAt, type WranglerConfig } from '../lib/wrangler-config.ts';
import type { Answers } from './answers.ts';
import { type ConfigEdit, editConfig } from './config-edit.ts';
import { draftRelayer, type RelayerDraft } from './relayer.ts';
import { needsVaultKey, newVaultKey } from '../lib/vault-key.ts';

/** The settings of a gateway, drafted. */
export type Draft = {
  /** `tools.json` and `.dev.vars`, as far as they change. */
  readonly files: readonly FileToWrite[];
  /** What changes in the configuration of the Worker. */
  readonly edits: readonly ConfigEdit[];
  /** The configuration after writing, for the gateway's own parser. */
  readonly config: ConfigFiles;
  /** Edited values that the files would overwrite, e.g. `PAY_TO in wrangler.toml`. */
  readonly lost: readonly string[];
  /** Whether the draft adds a new RECEIPT_KEY. */
  readonly madeKey: boolean;
  /** The relayer that the draft adds. */
  readonly relayer: RelayerDraft | undefined;
};

/** SHA-256 of the tools.json of this release: a file with another digest was edited. A test compares it with the file. */
export const SHIPPED_TOOLS = '1897f05967fa7df80da24f7242e36e27ffa8c8edb97b4f0856123951ae44a73d';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export const draftFiles = async (
  directory: string,
  present: ConfigFiles,
  answers: Answers,
  keepTools: boolean,
): Promise<Draft> => {
  const relayer =
    answers.relayer === 'own_key' ? draftRelayer(present, answers.network.network) : undefined;
  const values = { ...variablesOf(answers), ...relayer?.variables };
  const variables = { ...present.variables, ...values };
  const tools =
    present.tools !== undefined && (keepTools || answers.upstream === undefined)
      ? present.tools
      : exampleTools(answers);
  const isVaultKeyNew =
    needsVaultKey(tools, present.toml) && (present.secrets['VAULT_KEY'] ?? '') === '';
  const hasKey = (present.secrets['RECEIPT_KEY'] ?? '') !== '';
  // The operator adds the key to a gateway without a log by hand: a second run of the command changes nothing.
  const isLogKeyNew = !hasKey && (present.secrets['LOG_KEY'] ?? '') === '';
  const secrets = secretsOf(present, answers, {
    ...(isLogKeyNew ? { LOG_KEY: await newReceiptKey() } : {}),
    ...(hasKey ? {} : { RECEIPT_KEY: await newReceiptKey() }),
    ...relayer?.secrets,
    ...(isVaultKeyNew ? { VAULT_KEY: newVaultKey() } : {}),
  });
  const lost = [
    ...Object.entries(values)
      .filter(([name, value]) => !['', value].includes(present.variables[name]?.trim() ?? ''))
      .map(([name]) => `${name} in ${present.file}`),
    ...(present.tools === undefined ||
    present.tools === tools ||
    sha256(present.tools) === SHIPPED_TOOLS
      ? []
      : [TOOLS_FILE]),
  ];
  return {
    config: { ...present, variables, tools, secrets: secrets.values },
    lost,
    madeKey: !hasKey,
    relayer,
    edits: [
      ...(relayer === undefined ? [] : requiredSecret(present, 'RELAYER_KEY')),
      ...(isVaultKeyNew ? requiredSecret(present, 'VAULT_KEY') : []),
      ...(isLogKeyNew ? requiredSecret(present, 'LOG_KEY') : []),
      ...Object.entries(values)
        .filter(([name, value]) => present.variables[name] !== value)
        .map(([name, value]): ConfigEdit => {
          return { kind: 'set', path: ['vars', name], value };
        }),
    ],
    files: [
      ...(tools === present.tools ? [] : [{ path: join(directory, TOOLS_FILE), text: tools }]),
      ...(secrets.text === present.secretsText
        ? []
        : [{ path: join(directory, SECRETS_FILE), text: secrets.text, mode: 0o600 }]),
    ],
  };
};

/** The configuration of a gateway with new settings. @throws CliError if the settings do not fit into it */
export const withSettings = (
  { file, toml: text }: ConfigFiles,
  edits: readonly ConfigEdit[],
): WranglerConfig => {
  const table = parseConfigText(file, text);
  const config = table.ok ? editConfig({ file, text, table: table.value }, edits) : undefined;
  if (config !== undefined) return config;
  throw new CliError(`${file} has a form that the command cannot edit. It wrote nothing.`, {
    hint: 'Write the variables as a table of their own, [vars], and run the command again.',
    code: 'not_editable',
  });
};

/** wrangler passes on no secret of `.dev.vars` that the list `secrets.required` lacks. */
const requiredSecret = ({ file, toml }: ConfigFiles, name: string): readonly ConfigEdit[] => {
  const table = parseConfigText(file, toml);
  const required = table.ok ? valueAt(table.value, ['secrets', 'required']) : undefined;
  return Array.isArray(required) && !required.includes(name)
    ? [{ kind: 'append', path: ['secrets', 'required'], value: name }]
    : [];
};

/** The variables of the answers, without those that stay as they are. */
const variablesOf = (answers: Answers): Readonly<Record<string, string>> => {
  const { payTo, network, rpc, upstream, audience, facilitator, operators, kept } = answers;
  const all = {
    AUDIENCES: audience,
    PAY_TO: JSON.stringify({ [network.network]: checksummed(payTo) }),
    RPC_URLS: JSON.stringify({ [network.network]: [rpc] }),
    FACILITATORS: JSON.stringify([{ url: facilitator }]),
    UPSTREAM_URL: upstream?.origin ?? '',
    ...(operators === undefined ? {} : { OPERATORS: operators }),
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => !kept.has(name)));
};

const exampleTools = ({ upstream }: Answers): string => {
  const example = {
    id: 'example',
    method: 'GET',
    path: '/tools/example',
    description: 'Describe in one line what the tool does and what it takes.',
    mimeType: 'application/json',
    price: '$0.001',
    settlement: 'deferred',
    upstream: upstream?.path ?? '/',
  };
  return `${JSON.stringify({ tools: [example] }, undefined, 2)}\n`;
};

/** `.dev.vars`: its values and its text. `wrangler dev` reads the file and never deploys it, so LOCAL_STACK stays on this machine. */
type Secrets = { readonly values: ConfigFiles['secrets']; readonly text: string };

/** Adds the new keys. A present receipt key is never among them, because its receipts verify with it alone. */
const secretsOf = (
  { secrets, secretsText }: ConfigFiles,
  { reach }: Answers,
  newKeys: Readonly<Record<string, string>>,
): Secrets => {
  const localStack = String(reach === 'local_stack');
  const changes = {
    ...newKeys,
    ...((secrets['LOCAL_STACK'] ?? 'false') === localStack ? {} : { LOCAL_STACK: localStack }),
  };
  return {
    values: { ...secrets, ...changes },
    // A key that is there stays on its line: a run that changes nothing writes nothing.
    text: Object.entries(changes)
      .filter(([name, value]) => secrets[name] !== value)
      .reduce(withLine, secretsText),
  };
};

const withLine = (text: string, [name, value]: readonly [string, string]): string => {
  const isOther = (line: string): boolean => line.split('=')[0]?.trim() !== name;
  const before = text.split('\n').filter(isOther).join('\n').trimEnd();
  return `${before === '' ? '' : `${before}\n`}${name}='${value}'\n`;
};

/** A new Ed25519 private key as a JWK; `kid` is its thumbprint (RFC 7638). */
export const newReceiptKey = async (): Promise<string> => {
  const { privateKey } = await generateKeyPair('Ed25519', { extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  return JSON.stringify({ ...jwk, kid, alg: 'EdDSA', use: 'sig' });
};
