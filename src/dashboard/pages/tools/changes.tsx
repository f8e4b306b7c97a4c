import type { FieldChange } from '../../../tool-import/changed-fields.ts';
import { shown } from '../../format/text.ts';
import './changes.css';

/** Keep the line breaks of the JSON; it escapes those in its texts. */
const textOf = (value: unknown): string =>
  typeof value === 'string'
    ? shown(value)
    : JSON.stringify(value, undefined, 1).split('\n').map(shown).join('\n');

/** A change of a document, member by member: the value before, and the value after. */
export const Changes = ({
  changes,
  marked = [],
}: {
  readonly changes: readonly FieldChange[];
  /** Members that another operator has changed too. */
  readonly marked?: readonly string[];
}) => (
  <dl class="changes">
    {changes.map(({ name, before, after }) => (
      <div key={name}>
        <dt>
          {name}
          {marked.includes(name) ? <strong> changed by both</strong> : null}
        </dt>
        <dd>
          {before === undefined ? null : <del>{textOf(before)}</del>}
          {after === undefined ? <em>removed</em> : <ins>{textOf(after)}</ins>}
        </dd>
      </div>
    ))}
  </dl>
);
