import { parse, patch } from '@decimalturn/toml-patch';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { checksummed } from '../../crypto/checksum.ts';
import type { FileToWrite } from '../lib/atomic-file.ts';
import { CONFIG_FILE, type ConfigFiles, SECRETS_FILE, TOOLS_FILE } from '../lib/config-files.ts';
import type { Answers } from './answers.ts';
import { newReceiptKey } from './receipt-key.ts';

/** The files as they will be, and what of an operator's own would be lost. */
export type Draft = {
  readonly files: readonly FileToWrite[];
  /** After writing, for a last look by the gateway's own parser. */
  readonly config: ConfigFiles;
  /** E.g. `PAY_TO in wrangler.toml`. */
  readonly lost: readonly string[];
  readonly madeKey: boolean;
};

/**
 * SHA-256 of the tools.json that this release ships: what has another one is an operator's own. A test holds it against the file.
 */
export const SHIPPED_TOOLS = '5b58b3ad85f4437215c24c5313eaaccd1367176080366429eda45f92f6b3cad2';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export const draftFiles = async (
  directory: string,
  now: ConfigFiles,
  answers: Answers,
  keepTools: boolean,
): Promise<Draft> => {
  const values = variablesOf(answers);
  const variables = { ...now.variables, ...values };
  const toml = unescaped(
    patch(now.toml, { ...(parse(now.toml) as object), vars: variables }),
    values,
  );
  const tools = keepTools && now.tools !== undefined ? now.tools : exampleTools(answers);
  const secrets = withReach(await withReceiptKey(now), answers);
  const lost = [
    ...Object.entries(values)
      .filter(([name, value]) => !['', value].includes(now.variables[name]?.trim() ?? ''))
      .map(([name]) => `${name} in ${CONFIG_FILE}`),
    ...(now.tools === undefined || now.tools === tools || sha256(now.tools) === SHIPPED_TOOLS
      ? []
      : [TOOLS_FILE]),
  ];
  return {
    config: { ...now, toml, variables, tools, secrets: secrets.values },
    lost,
    madeKey: secrets.madeKey,
    files: [
      { path: join(directory, CONFIG_FILE), text: toml },
      ...(tools === now.tools ? [] : [{ path: join(directory, TOOLS_FILE), text: tools }]),
      ...(secrets.text === now.secretsText
        ? []
        : [{ path: join(directory, SECRETS_FILE), text: secrets.text, mode: 0o600 }]),
    ],
  };
};

/** JSON in TOML is read more easily between single quotes, where nothing is escaped. */
const unescaped = (toml: string, values: Readonly<Record<string, string>>): string =>
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

/** One tool to begin with. */
const exampleTools = ({ upstream }: Answers): string => {
  const example = {
    id: 'example',
    method: 'GET',
    path: '/tools/example',
    description: 'Say here, in one line, what it does and what it takes.',
    mimeType: 'application/json',
    price: '$0.001',
    settlement: 'deferred',
    upstream: upstream.path,
  };
  return `${JSON.stringify({ tools: [example] }, undefined, 2)}\n`;
};

/** A key that is there stays: what it has signed is checked with it. */
const withReceiptKey = async ({
  secrets,
  secretsText,
}: ConfigFiles): Promise<Secrets & { readonly madeKey: boolean }> => {
  if ((secrets['RECEIPT_KEY'] ?? '') !== '') {
    return { values: secrets, text: secretsText, madeKey: false };
  }
  const RECEIPT_KEY = await newReceiptKey();
  return {
    values: { ...secrets, RECEIPT_KEY },
    text: withLine(secretsText, 'RECEIPT_KEY', RECEIPT_KEY),
    madeKey: true,
  };
};

/** `.dev.vars` is read by `wrangler dev` and never deployed, so LOCAL_STACK stays on this machine. */
const withReach = <S extends Secrets>(secrets: S, { reach }: Pick<Answers, 'reach'>): S => {
  const LOCAL_STACK = String(reach === 'local_stack');
  return (secrets.values['LOCAL_STACK'] ?? 'false') === LOCAL_STACK
    ? secrets
    : {
        ...secrets,
        values: { ...secrets.values, LOCAL_STACK },
        text: withLine(secrets.text, 'LOCAL_STACK', LOCAL_STACK),
      };
};

/** `.dev.vars`: what it holds, and its text. */
type Secrets = { readonly values: ConfigFiles['secrets']; readonly text: string };

const withLine = (text: string, name: string, value: string): string => {
  const isOther = (line: string): boolean => line.split('=')[0]?.trim() !== name;
  const before = text.split('\n').filter(isOther).join('\n').trimEnd();
  return `${before === '' ? '' : `${before}\n`}${name}='${value}'\n`;
};
