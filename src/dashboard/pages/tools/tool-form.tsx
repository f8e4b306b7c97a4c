import { METHODS } from '../../../catalog/route.ts';
import type { FieldFault } from '../../../protocol/fault.ts';
import { controlOf, type ToolDraft } from '../../data/tools/tool-draft.ts';
import { Field } from '../../parts/field.tsx';
import { TextField } from '../../parts/text-field.tsx';
import { SettlementField } from './settlement-field.tsx';
import './tool-form.css';

type Texts = {
  readonly [Name in keyof ToolDraft as ToolDraft[Name] extends string ? Name : never]: string;
};

/** The fields of a tool, each with the gateway's message about its fault. */
export const ToolForm = ({
  draft,
  faults,
  isNew,
  onChange,
}: {
  readonly draft: ToolDraft;
  readonly faults: readonly FieldFault[];
  /** An existing tool keeps its id. */
  readonly isNew: boolean;
  readonly onChange: (draft: ToolDraft) => void;
}) => {
  const errorOf = (name: keyof ToolDraft): string | undefined => {
    const found = faults.filter(({ field }) => controlOf(field) === name);
    return found.length === 0
      ? undefined
      : found
          .map(({ field, reason }) =>
            field === name ? `It ${reason}.` : `${field.replace(/^body\.?/, '')} ${reason}.`.trim(),
          )
          .join(' ');
  };
  const text = (name: keyof Texts, label: string, hint: string) => (
    <TextField
      label={label}
      hint={hint}
      error={errorOf(name)}
      value={draft[name]}
      spellcheck={name === 'description'}
      onValue={(value) => onChange({ ...draft, [name]: value })}
    />
  );
  const json = (name: keyof Texts, label: string, hint: string) => (
    <Field
      label={label}
      hint={hint}
      error={errorOf(name)}
      control={(described) => (
        <textarea
          {...described}
          rows={5}
          value={draft[name]}
          spellcheck={false}
          onInput={(event) => onChange({ ...draft, [name]: event.currentTarget.value })}
        />
      )}
    />
  );
  return (
    <div class="tool-form">
      {isNew
        ? text(
            'id',
            'Id',
            'Agents and policies name the tool by it: a-z, 0-9, dot, _ and -. You cannot change it later.',
          )
        : null}
      {text('description', 'Description', 'One line for people and agents.')}
      <div class="pair">
        {text('price', 'Price of a call, in dollars', 'At most six decimals, such as 0.000001.')}
        <Field
          label="The price is"
          control={(described) => (
            <select
              {...described}
              value={draft.isMaximum ? 'most' : 'exact'}
              onChange={(event) =>
                onChange({ ...draft, isMaximum: event.currentTarget.value === 'most' })
              }
            >
              <option value="exact">what every call costs</option>
              <option value="most">the most that a call may cost</option>
            </select>
          )}
        />
      </div>
      {draft.isMaximum
        ? json(
            'priceTerms',
            'How the charge follows use (JSON)',
            'For example {"meter": {"usage": "openai", "rates": {"input_tokens": "$0.15 per 1000000"}, "missing": "max"}}. Empty: the upstream states each charge in a header.',
          )
        : null}
      <SettlementField
        modes={['deferred', 'upfront', 'credit', 'free', 'card']}
        value={draft.settlement}
        error={errorOf('settlement')}
        onChange={(settlement) => onChange({ ...draft, settlement })}
      />
      <div class="pair">
        <Field
          label="Method"
          error={errorOf('method')}
          control={(described) => (
            <select
              {...described}
              value={draft.method}
              onChange={(event) => onChange({ ...draft, method: event.currentTarget.value })}
            >
              {[...METHODS, '*'].map((method) => (
                <option key={method} value={method}>
                  {method === '*' ? 'any' : method}
                </option>
              ))}
            </select>
          )}
        />
        {text('path', 'Path at this gateway', 'Agents call it here, e.g. /tools/forecast')}
      </div>
      {text(
        'upstream',
        'Upstream',
        'The address that the gateway calls, e.g. https://api.example/forecast. A path alone, such as /forecast, is below the variable UPSTREAM_URL of the gateway.',
      )}
      <details
        open={
          errorOf('params') !== undefined ||
          errorOf('inputSchema') !== undefined ||
          errorOf('others') !== undefined
        }
      >
        <summary>Parameters, input schema and other fields</summary>
        {json(
          'inputSchema',
          'Input schema (JSON)',
          'JSON Schema of the arguments of MCP calls. Empty: any arguments.',
        )}
        {json(
          'params',
          'Parameters for policies (JSON)',
          'Values of a request that policies can restrict, by name, e.g. {"amount": {"pointer": "/order/amount"}}.',
        )}
        {json(
          'others',
          'Other fields (JSON)',
          'For example {"timeoutSeconds": 20, "secrets": [{"in": "header", "name": "x-key", "secret": "weather"}]}.',
        )}
      </details>
    </div>
  );
};
