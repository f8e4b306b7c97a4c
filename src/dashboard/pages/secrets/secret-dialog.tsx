import { useRef, useState } from 'preact/hooks';
import type { Management } from '../../../client/management.ts';
import { blindedSecret } from '../../../management/blinded-secret.ts';
import type { FieldFault } from '../../../protocol/fault.ts';
import { SECRET_KINDS, type SecretKind } from '../../../vault/secret.ts';
import { IncompleteForm } from '../../data/changes/act-problem.ts';
import { checkedSecret, type KnownSecret, type SecretDraft } from '../../data/tools/secrets.ts';
import { ActDialog } from '../../parts/act-dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { TextField } from '../../parts/text-field.tsx';
import './secret-dialog.css';

const KINDS: Readonly<Record<SecretKind, string>> = {
  token: 'a token or API key',
  basic: 'a user and password',
  header: 'a value for one header',
  json: 'several values, as JSON',
};

const NEW: SecretDraft = { name: '', kind: 'token', host: '', hint: '', label: '' };

/**
 * Stores a secret, or replaces its value. Only the control holds the value: it is never in the state of the page, and disappears with the
 * dialog. It leaves the page in one request over TLS to this gateway, which encrypts it before it stores anything.
 */
export const SecretDialog = ({
  known,
  onDone,
  onClose,
}: {
  /** The secret whose value is replaced; undefined for a new one. */
  readonly known: KnownSecret | undefined;
  readonly onDone: () => void;
  readonly onClose: () => void;
}) => {
  const [draft, setDraft] = useState<SecretDraft>(
    known === undefined ? NEW : { ...NEW, name: known.name, kind: known.kind, host: known.host },
  );
  const [faults, setFaults] = useState<readonly FieldFault[]>([]);
  const value = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  const errorOf = (name: string): string | undefined => {
    const found = faults.find(({ field }) => field === name);
    return found === undefined ? undefined : `It ${found.reason}.`;
  };
  const store = async (management: Management): Promise<void> => {
    const checked = checkedSecret(draft, value.current?.value ?? '');
    setFaults(checked.ok ? [] : checked.error);
    if (!checked.ok) throw new IncompleteForm();
    const { kind, host, hint } = draft;
    await management.call('secrets.put', {
      params: { secret: draft.name },
      body: blindedSecret({
        ...{ kind, host, value: checked.value },
        ...(hint === '' ? {} : { hint }),
      }),
      ...(known === undefined ? { ifNoneMatch: '*' } : { ifMatch: known.etag }),
    });
    if (value.current !== null) value.current.value = '';
  };
  const text = (name: 'name' | 'host' | 'hint' | 'label', label: string, hint: string) => (
    <TextField
      label={label}
      hint={hint}
      error={errorOf(name)}
      value={draft[name]}
      onValue={(value) => setDraft({ ...draft, [name]: value })}
    />
  );
  return (
    <ActDialog
      title={known === undefined ? 'Store a secret' : `Replace the value of ${known.name}?`}
      verb={known === undefined ? 'Store' : 'Replace'}
      change={store}
      onDone={onDone}
      onClose={onClose}
    >
      {known === undefined ? (
        <>
          {text('name', 'Name', 'Tools refer to the secret by this name, e.g. weather')}
          {text('host', 'Host', 'The only server that gets it, e.g. api.weather.example')}
          <Field
            label="What it is"
            control={(described) => (
              <select
                {...described}
                value={draft.kind}
                onChange={(event) =>
                  setDraft({ ...draft, kind: event.currentTarget.value as SecretKind })
                }
              >
                {SECRET_KINDS.map((kind) => (
                  <option key={kind} value={kind}>
                    {KINDS[kind]}
                  </option>
                ))}
              </select>
            )}
          />
        </>
      ) : (
        <p>
          Calls use the new value within a minute. Keep the old one valid at {known.host} until
          then. The gateway erases the old one.
        </p>
      )}
      {draft.kind === 'basic' ? text('label', 'User', 'Part of the credential; not secret') : null}
      {draft.kind === 'header' ? text('label', 'Header', 'The name of the header') : null}
      <Field
        label={draft.kind === 'basic' ? 'Password' : 'Value'}
        hint="This page sends it once, to this gateway, and keeps no copy. It cannot be read back."
        error={errorOf('value')}
        control={(described) =>
          draft.kind === 'json' ? (
            <textarea {...described} ref={value} class="secret" rows={4} spellcheck={false} />
          ) : (
            <input {...described} ref={value} type="password" autocomplete="new-password" />
          )
        }
      />
      {text('hint', 'Note (optional)', 'Tells versions apart, e.g. November key')}
    </ActDialog>
  );
};
