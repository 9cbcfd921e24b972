// Runs the ceremonies of WebAuthn for the forms of partials/passkey.eta. Pages offer something else where it cannot run.
const ceremonies = {
  get: SimpleWebAuthnBrowser.startAuthentication,
  create: SimpleWebAuthnBrowser.startRegistration,
};

function send(form, credential) {
  for (const field of form.querySelectorAll('[data-like]')) {
    field.value = document.getElementById(field.dataset.like).checked ? 'yes' : '';
  }
  form.elements.credential.value = JSON.stringify(credential);
  form.submit();
}

/** Cancelled, timed out and "no such passkey" are one error: browsers do not tell sites which of them it was. */
function reasonOf({ name }) {
  const texts = { NotAllowedError: 'cancelled', InvalidStateError: 'known', ConstraintError: 'unsuitable' };
  return texts[name] ?? 'failed';
}

async function run(form) {
  const problem = form.querySelector('[role=alert]');
  problem.hidden = true;
  try {
    send(form, await ceremonies[form.dataset.passkey]({ optionsJSON: JSON.parse(form.dataset.options) }));
  } catch (err) {
    // The button was pressed again: that ceremony tells how it ended.
    if (err.code === 'ERROR_CEREMONY_ABORTED') return;
    problem.textContent = form.dataset[reasonOf(err)];
    problem.hidden = false;
    offer(form);
  }
}

/** In the list with which the browser fills in the field of the address. Nothing is said where that does not work. */
async function offer(form) {
  const isOffered = form.dataset.passkey === 'get' && document.querySelector('input[autocomplete$=webauthn]');
  if (!isOffered || !(await SimpleWebAuthnBrowser.browserSupportsWebAuthnAutofill())) return;
  const options = { optionsJSON: JSON.parse(form.dataset.options), useBrowserAutofill: true };
  ceremonies.get(options).then(
    (credential) => send(form, credential),
    () => {},
  );
}

if (SimpleWebAuthnBrowser.browserSupportsWebAuthn()) {
  for (const instead of document.querySelectorAll('[data-without-passkeys]')) instead.hidden = true;
  for (const form of document.querySelectorAll('form[data-passkey]')) {
    form.hidden = false;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      run(form);
    });
    offer(form);
  }
}
