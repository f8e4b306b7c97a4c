import { readSignerSettings } from '../../signer/settings.ts';
import { egressFault } from '../../protocol/egress-url.ts';
import { type Check, failure, passed, skipped, warning } from '../lib/checks.ts';
import { httpGet } from '../lib/http-get.ts';
import { counted } from '../lib/text.ts';
import { bindingsOf, readSignerProject, SIGNER_CONFIG, type SignerProject } from './project.ts';

const NAME = 'signer';
const BINDINGS = ['KEYRING', 'AUDIT_DB', 'AUDIT_QUEUE'];

/** Checks of the signer that a directory configures, without a network. */
export const signerConfigChecks = ({
  variables,
  secrets,
  table,
}: SignerProject): readonly Check[] => {
  const { SIGNER_ORIGIN = '', OWNERS = '' } = variables;
  const settings = readSignerSettings({ SIGNER_ORIGIN, OWNERS });
  const bound = bindingsOf(table);
  const missing = BINDINGS.filter((name) => !bound.has(name));
  const key = secrets['SIGNER_KEY'];
  return [
    ...(settings.ok
      ? [
          settings.value.owners.size === 0
            ? warning(
                'OWNERS',
                'is empty: nobody may enrol agents',
                '`countersign signer init --owner <address>` sets it.',
              )
            : passed(NAME, `${counted(settings.value.owners.size, 'owner')}, ${SIGNER_ORIGIN}`),
        ]
      : settings.error.map(({ name, reason }) =>
          failure(
            name,
            reason,
            `Correct it in ${SIGNER_CONFIG}, or with \`countersign signer init\`.`,
          ),
        )),
    ...(missing.length === 0
      ? []
      : [failure('bindings', `${missing.join(', ')} is missing`, `Add it to ${SIGNER_CONFIG}.`)]),
    key === undefined
      ? warning(
          'SIGNER_KEY',
          'is not in .dev.vars',
          'That is right if it is a secret of the deployed signer; else `countersign signer init` makes one.',
        )
      : isKey(key)
        ? passed(
            'SIGNER_KEY',
            'is in .dev.vars; keep a copy offline: the wallets are lost without it',
          )
        : failure(
            'SIGNER_KEY',
            'must be 32 bytes in base64',
            '`openssl rand -base64 32` makes one.',
          ),
  ];
};

/** A setting that a deployed signer must not have: a local origin. */
export const signerPublicChecks = ({ variables }: SignerProject): readonly Check[] => {
  const { SIGNER_ORIGIN = '' } = variables;
  const fault = SIGNER_ORIGIN === '' ? undefined : egressFault(SIGNER_ORIGIN, 'public');
  const hint = 'Give it with `countersign signer init --origin https://signer.example`.';
  return fault === undefined ? [] : [failure('SIGNER_ORIGIN', `${SIGNER_ORIGIN} ${fault}`, hint)];
};

/** Checks of `doctor`: the configuration, and whether the signer answers. None in a directory without a signer. */
export const signerChecks = async (
  directory: string,
  signal: AbortSignal,
): Promise<readonly Check[]> => {
  const project = await readSignerProject(directory);
  if (project === undefined) return [];
  if (!project.ok) return [failure(NAME, project.error, 'Correct the file.')];
  const { SIGNER_ORIGIN = '', OWNERS = '' } = project.value.variables;
  if (SIGNER_ORIGIN === '' && OWNERS === '') {
    const hint = '`countersign signer init` fills it in.';
    return [skipped(NAME, `${SIGNER_CONFIG} is not filled in`, hint)];
  }
  const checks = signerConfigChecks(project.value);
  if (checks.some(({ status }) => status === 'fail')) return checks;
  const answer = await httpGet(`${SIGNER_ORIGIN}/healthz`, signal);
  const hint = '`countersign deploy --signer` deploys it.';
  if (!answer.ok) return [...checks, warning('signer answers', answer.error, hint)];
  const { status } = answer.value;
  return [
    ...checks,
    status === 200
      ? passed('signer answers', `${SIGNER_ORIGIN} answers with valid settings`)
      : failure('signer answers', `${SIGNER_ORIGIN} answers ${status} to /healthz`, hint),
  ];
};

const isKey = (text: string): boolean =>
  /^[A-Za-z0-9+/]{43}=$/.test(text) && Buffer.from(text, 'base64').byteLength === 32;
