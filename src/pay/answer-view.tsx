import type { Answer } from './answer.ts';
import { FileLink } from './file-link.tsx';

/** The answer as text, or as a file. */
export const AnswerView = ({
  answer: { text, isCut, bytes, fileName },
}: {
  readonly answer: Answer;
}) => {
  if (bytes.byteLength === 0) return <p>The answer is empty.</p>;
  return (
    <>
      {text === undefined ? (
        <p>The answer is a file of {bytes.byteLength.toLocaleString()} bytes.</p>
      ) : (
        <pre tabIndex={0} role="region" aria-label="Answer of the tool">
          {text}
        </pre>
      )}
      {isCut ? <p class="hint">This is the beginning. The file has the whole answer.</p> : null}
      <FileLink bytes={bytes} name={fileName}>
        Download {text === undefined ? 'the file' : 'the answer'}
      </FileLink>
    </>
  );
};
