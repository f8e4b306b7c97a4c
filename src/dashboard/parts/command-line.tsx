import { placeholdersIn } from '../data/placeholders.ts';
import { ToolsLink } from './tools-link.tsx';
import { useCopy } from './use-copy.ts';
import './command-line.css';

/** A command to copy, with what a person replaces in it. */
export const CommandLine = ({ text }: { readonly text: string }) => {
  const { copied, copy } = useCopy(text);
  const replaced = placeholdersIn(text);
  return (
    <span class="copy-command">
      <code>{text}</code>
      <button type="button" onClick={copy}>
        {copied ? 'Copied' : 'Copy'}
      </button>
      {replaced.length === 0 ? null : (
        <span class="replaced muted">
          {replaced.map(([word, meaning]) => (
            <span key={word}>
              Replace <code>{word}</code> with {meaning}
              {word === 'TOOL_URL' ? (
                <>
                  {' '}
                  of the <ToolsLink />
                </>
              ) : null}
              .{' '}
            </span>
          ))}
        </span>
      )}
    </span>
  );
};
