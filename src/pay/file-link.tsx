import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** A link that saves bytes as a file. */
export const FileLink = ({
  bytes,
  name,
  children,
}: {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly name: string;
  readonly children: ComponentChildren;
}) => {
  const [url, setUrl] = useState('');
  useEffect(() => {
    // Attack: with the type from the tool, a browser could render the tool's HTML at this origin (CWE-79). Browsers do not render this
    // type.
    const made = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [bytes]);
  return (
    <a class="file" href={url} download={name}>
      {children}
    </a>
  );
};
