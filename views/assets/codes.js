// Adds copying and saving to the page of recovery codes, which works without either.
const list = document.getElementById('codes');
const copy = document.getElementById('copy');
const download = document.getElementById('download');
const lines = [...list.children].map((item) => item.textContent.trim());

copy.hidden = !navigator.clipboard;
copy.addEventListener('click', async () => {
  await navigator.clipboard.writeText(lines.join('\n'));
  copy.textContent = copy.dataset.done;
});

download.addEventListener('click', () => {
  const text = `${list.dataset.title}\n\n${lines.join('\n')}\n`;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  link.download = list.dataset.file;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
});

document.getElementById('keep').hidden = false;
