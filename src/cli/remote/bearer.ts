import type { ToolDocument } from '../../management/tool.route.ts';
import { isSecretName, SECRET_NAME_HINT } from '../../vault/secret.ts';
import type { OptionSpec } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';

/** The bearer token that a remote MCP server demands, and the secret of the vault that holds it. */
export type Bearer = { readonly secret: string; readonly token: string };

export const BEARER_OPTION: OptionSpec = {
  flags: '--bearer <secret>',
  summary:
    'secret of the vault with the token that the server demands; reads its value like `secret put`',
};

const MAX_TOKEN = 4_096;

/**
 * Asks for the token at a terminal; otherwise reads standard input. The vault never returns a value, so the operator must supply it.
 * @throws CliError usage
 */
export const readBearer = async (
  { prompts, stdin }: Session,
  input: Input,
): Promise<Bearer | undefined> => {
  const secret = input.text('bearer');
  if (secret === undefined) return undefined;
  if (!isSecretName(secret)) {
    throw usageError(`--bearer ${SECRET_NAME_HINT}.`, 'Give the name, never the token itself.');
  }
  const given = prompts.isInteractive
    ? await prompts.hidden({ message: `Value of ${secret}`, instead: 'it on standard input' })
    : Buffer.from(await stdin(MAX_TOKEN)).toString('latin1');
  const token = given.trim();
  // An error of `Headers` would repeat the token.
  if (/^[\x21-\x7e]+$/.test(token)) return { secret, token };
  throw usageError(
    `The value of ${secret} is no printable ASCII without spaces.`,
    'Give the token on standard input, without "Bearer".',
  );
};

/** The placement of the token in the requests of a tool. */
export const bearerPlacements = ({
  secret,
}: Pick<Bearer, 'secret'>): NonNullable<ToolDocument['secrets']> => [
  { in: 'header', name: 'authorization', prefix: 'Bearer ', secret },
];
