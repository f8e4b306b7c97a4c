import { parse, patch } from '@decimalturn/toml-patch';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { checksummed } from '../../crypto/address.ts';
import type { FileToWrite } from '../lib/atomic-file.ts';
import { CONFIG_FILE, type ConfigFiles, SECRETS_FILE, TOOLS_FILE } from '../lib/config-files.ts';
import type { Answers } from './answers.ts';
import { draftRelayer, type RelayerDraft } from './relayer.ts';

/** The files that `init` will write. */
export type Draft = {
  readonly files: readonly FileToWrite[];
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
  const toml = withSingleQuotes(
    patch(present.toml, {
      ...(parse(present.toml) as object),
      vars: variables,
      // wrangler passes on no secret of .dev.vars that this list lacks.
      ...(relayer === undefined ? {} : { secrets: { required: ['RECEIPT_KEY', 'RELAYER_KEY'] } }),
    }),
    values,
  );
  const tools = keepTools && present.tools !== undefined ? present.tools : exampleTools(answers);
  const hasKey = (present.secrets['RECEIPT_KEY'] ?? '') !== '';
  const secrets = secretsOf(present, answers, {
    ...(hasKey ? {} : { RECEIPT_KEY: await newReceiptKey() }),
    ...relayer?.secrets,
  });
  const lost = [
    ...Object.entries(values)
      .filter(([name, value]) => !['', value].includes(present.variables[name]?.trim() ?? ''))
      .map(([name]) => `${name} in ${CONFIG_FILE}`),
    ...(present.tools === undefined ||
    present.tools === tools ||
    sha256(present.tools) === SHIPPED_TOOLS
      ? []
      : [TOOLS_FILE]),
  ];
  return {
    config: { ...present, toml, variables, tools, secrets: secrets.values },
    lost,
    madeKey: !hasKey,
    relayer,
    files: [
      { path: join(directory, CONFIG_FILE), text: toml },
      ...(tools === present.tools ? [] : [{ path: join(directory, TOOLS_FILE), text: tools }]),
      ...(secrets.text === present.secretsText
        ? []
        : [{ path: join(directory, SECRETS_FILE), text: secrets.text, mode: 0o600 }]),
    ],
  };
};

/** TOML escapes nothing between single quotes, which keeps JSON readable. */
const withSingleQuotes = (toml: string, values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .filter(([, value]) => value.includes('"') && !value.includes("'"))
    .reduce(
      (text, [name, value]) =>
        text.replace(`${name} = ${JSON.stringify(value)}`, () => `${name} = '${value}'`),
      toml,
    );

const variablesOf = (answers: Answers): Readonly<Record<string, string>> => {
  const { payTo, network, rpc, upstream, audience, facilitator, operators } = answers;
  return {
    AUDIENCES: audience,
    PAY_TO: JSON.stringify({ [network.network]: checksummed(payTo) }),
    RPC_URLS: JSON.stringify({ [network.network]: [rpc] }),
    FACILITATORS: JSON.stringify([{ url: facilitator }]),
    UPSTREAM_URL: upstream.origin,
    ...(operators === undefined ? {} : { OPERATORS: operators }),
  };
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
    upstream: upstream.path,
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
    text: Object.entries(changes).reduce(withLine, secretsText),
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
