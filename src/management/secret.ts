import { gatewayAccount } from '../config/config.ts';
import { type Hex, ZERO_HASH } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { seal } from '../vault/envelope.ts';
import { rewrapStep } from '../vault/rewrap.ts';
import { openScrubber } from '../vault/scrubber.ts';
import {
  readSecretHost,
  guessableTexts,
  readSecretValue,
  type SecretBinding,
  secretDocument,
  secretHash,
  type SecretValue,
  type SecretVersion,
} from '../vault/secret.ts';
import {
  dropPrepared,
  endSecret,
  listSecrets,
  MAX_SECRETS,
  nextVersion,
  prepareVersion,
  putInForce,
} from '../vault/secret-table.ts';
import { listSecretUses } from '../vault/secret-uses.ts';
import { readVaultKeys, type VaultKeys } from '../vault/vault-keys.ts';
import { type EntryPlace, outcomeBody, sendCommand, sendDocumentCommand } from './command.ts';
import type { AdminContext, AdminRequest, Handler, Handlers } from './handler.ts';
import { refuse, reply, replyPage, type ReplyResult } from './reply.ts';
import type { AnswerOf } from './routes.ts';
import type { SECRET_ROUTES } from './secret.route.ts';

const UNKNOWN = { reason: 'unknown_document', what: 'secret of this name' } as const;
const FULL = `There are ${MAX_SECRETS} secrets already. Remove one of them first.`;
const BUSY = 'Another request writes this secret. Read it again, then repeat the command.';

/** Refuses if D1 does not answer, because only D1 has the values. */
const whileStored = async (work: () => Promise<ReplyResult>): Promise<ReplyResult> => {
  try {
    return await work();
  } catch (cause) {
    console.error({ event: 'secrets_failed', cause: String(cause) });
    return refuse({ reason: 'storage_unavailable' });
  }
};

const keysOf = async ({ env }: AdminContext): Promise<Result<VaultKeys, Reason>> => {
  const keys = await readVaultKeys(env);
  return keys.ok ? keys : err({ reason: 'misconfigured', faults: [keys.error] });
};

/** A gateway has at most `MAX_SECRETS`: one page. */
const list: Handler<'secrets.list'> = ({ context, request }) =>
  whileStored(async () => {
    const owner = gatewayAccount(context.config);
    const keys = await readVaultKeys(context.env);
    const [secrets, uses] = await Promise.all([
      listSecrets(context.db, owner),
      listSecretUses(context.db, owner),
    ]);
    const items = secrets.map(
      ({ name, kind, host, version, hint, kek, createdAt, hash }): Item => ({
        ...{ name, kind, host, version },
        ...(hint === '' ? {} : { hint }),
        ...{ key: keyState(keys.ok ? keys.value : undefined, kek), at: createdAt, etag: hash },
        uses: uses.filter((use) => use.name === name).map(({ tool, at }) => ({ tool, at })),
      }),
    );
    return replyPage(request, { items });
  });

type Item = AnswerOf<'secrets.list'>['items'][number];

const keyState = (keys: VaultKeys | undefined, kek: string): Item['key'] => {
  if (keys?.current.id === kek) return 'current';
  return keys?.old?.id === kek ? 'old' : 'unknown';
};

const find = async (
  { db, config }: AdminContext,
  name: string,
): Promise<SecretVersion | undefined> =>
  (await listSecrets(db, gatewayAccount(config))).find((each) => each.name === name);

const put: Handler<'secrets.put'> = (request) =>
  whileStored(async () => {
    const { context, params, body, now } = request;
    const checked = checkSecret(request);
    if (!checked.ok) return checked;
    const keys = await keysOf(context);
    if (!keys.ok) return keys;
    const owner = gatewayAccount(context.config);
    const name = params.secret;
    const all = await listSecrets(context.db, owner);
    const known = all.find((each) => each.name === name);
    if (known === undefined && all.length >= MAX_SECRETS) {
      return refuse({ reason: 'not_writable', hint: FULL });
    }
    const version = await nextVersion(context.db, owner, name);
    const { kind } = body;
    const binding: SecretBinding = { owner, name, version, kind, host: checked.value.host };
    const sealed = await seal(binding, checked.value.value, keys.value.current);
    const hint = body.hint ?? '';
    // Before the command: the entry must not name a version that no row holds. Until the command is decided, no call uses the row.
    if (!(await prepareVersion(context.db, sealed, { hint, now }))) {
      return refuse({ reason: 'not_writable', hint: BUSY });
    }
    const hash = secretHash(binding);
    const done = await command(request, known?.hash, secretDocument(binding), (place) =>
      putInForce(context.db, { owner, name, hash, ...place }),
    );
    // If the outcome is unknown, the entry may exist, and then the audit consumer needs the row.
    const isRefused = !done.ok && done.error.reason !== 'storage_unavailable';
    if (isRefused) await dropPrepared(context.db, sealed);
    return done;
  });

/** Reads the parts of a put. A fault names the field, never the value. */
const checkSecret = ({
  context,
  body,
}: AdminRequest<'secrets.put'>): Result<
  { readonly host: string; readonly value: SecretValue },
  Reason
> => {
  const fault = (field: string, reason: string) => ({ field: `body.${field}`, reason });
  const host = readSecretHost(body.host, context.config.reach);
  const value = readSecretValue(body.kind, body.value);
  const faults = [
    ...(host.ok ? [] : [fault('host', host.error)]),
    ...(value.ok ? (body.weak === true ? [] : guessableTexts(value.value)) : value.error).map(
      ({ field, reason }) => fault(field === '' ? 'value' : `value.${field}`, reason),
    ),
    ...(value.ok && tells(value.value, body.hint ?? '')
      ? [fault('hint', 'must not contain the secret')]
      : []),
  ];
  return host.ok && value.ok && faults.length === 0
    ? ok({ host: host.value, value: value.value })
    : err({ reason: 'malformed_document', faults });
};

/** Whether a text holds a secret in any form: lists show hints. */
const tells = ({ texts }: SecretValue, text: string): boolean => {
  let isFound = false;
  const guarded = Object.values(texts).map((each) => ({ name: '', text: each }));
  openScrubber(guarded, () => {
    isFound = true;
  }).text(text);
  return isFound;
};

const remove: Handler<'secrets.delete'> = (request) =>
  whileStored(async () => {
    const { context, params, expected } = request;
    const known = (await find(context, params.secret))?.hash;
    if (known === undefined && expected === undefined) return refuse(UNKNOWN);
    const owner = gatewayAccount(context.config);
    return await command(request, known, null, (place) =>
      endSecret(context.db, { owner, name: params.secret, ...place }),
    );
  });

type Writing = Pick<
  AdminRequest<'secrets.delete'>,
  'context' | 'params' | 'by' | 'intent' | 'expected'
>;

/** Sends the secret's binding (kind, host, version) to the gateway's account, which serialises and logs changes, then writes the table. */
const command = async (
  request: Writing,
  known: Hex | undefined,
  document: ReturnType<typeof secretDocument> | null,
  statements: (place: EntryPlace) => D1PreparedStatement[],
): Promise<ReplyResult> => {
  const { context, params, expected } = request;
  const kept = {
    keeper: gatewayAccount(context.config),
    type: 'secret' as const,
    name: params.secret,
    document,
    known,
  };
  // With `*`, an older version could replace a newer one that was prepared meanwhile.
  const exact = expected === '*' && known !== undefined ? known : expected;
  const done = await sendDocumentCommand({ ...request, expected: exact }, kept, async (place) => {
    await context.db.batch(statements(place));
    return undefined;
  });
  return done.ok ? reply(outcomeBody(done.value), done.value.current) : done;
};

/** The document that names the key-encryption key: no secret has such a name. */
const KEY_DOCUMENT = 'vault key';

/** Takes a step. The account logs the first one with the id of the key, and rejects an intent that was used before. */
const rewrap: Handler<'secrets.rewrap'> = ({ context, body, by, intent }) =>
  whileStored(async () => {
    const keys = await keysOf(context);
    if (!keys.ok) return keys;
    const owner = gatewayAccount(context.config);
    const applied = await sendCommand(context, owner, {
      ...{ kind: 'document', type: 'secret', name: KEY_DOCUMENT, by, intent },
      ...{ document: { kek: keys.value.current.id }, known: ZERO_HASH, expected: '*' },
    });
    if (!applied.ok) return applied;
    const step = await rewrapStep(context.db, keys.value, owner, body.after);
    return step === undefined
      ? refuse({
          reason: 'malformed_field',
          field: 'body.after',
          hint: 'must be the `next` of the step before',
        })
      : reply({ ...step, unreadable: [...step.unreadable] });
  });

export const secretHandlers: Handlers<keyof typeof SECRET_ROUTES> = {
  'secrets.list': list,
  'secrets.put': put,
  'secrets.delete': remove,
  'secrets.rewrap': rewrap,
};
