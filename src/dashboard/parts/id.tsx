import { shortened } from '../format/text.ts';
import { Icon } from './icon.tsx';
import { useCopy } from './use-copy.ts';
import './id.css';

const SHEETS = 'M9 9h11v11H9zM5 15H4V4h11v1';
const TICK = 'M5 12l5 5 9-11';

/** An id, shortened in the middle, with a button that copies all of it. */
export const Id = ({ text, label }: { readonly text: string; readonly label: string }) => {
  const { copied, copy } = useCopy(text);
  return (
    <span class="id">
      <code title={text}>{shortened(text)}</code>
      <button
        type="button"
        class="icon"
        title={copied ? 'Copied' : 'Copy'}
        aria-label={`Copy ${label}`}
        onClick={copy}
      >
        <Icon path={copied ? TICK : SHEETS} />
      </button>
    </span>
  );
};
