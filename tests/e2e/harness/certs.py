"""Certificates for an etcd with TLS, made with the openssl command."""

import os
import subprocess


def _openssl(folder, *args):
    subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True, timeout=30)


class Authority:
    """A private CA in a folder, with what it issued beside it."""

    def __init__(self, folder, name="etcd test CA"):
        self.folder = folder
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.ca = os.path.join(folder, "ca.pem")
        self.ca_key = os.path.join(folder, "ca.key")
        _openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "30",
                 "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE")
        os.chmod(self.ca_key, 0o600)

    def issue(self, stem, subject, alternative="", usage="serverAuth,clientAuth"):
        """Returns (certificate, key). A subject without CN is what etcd's gateway wants of
        clients when its users have passwords."""
        extensions = [f"extendedKeyUsage={usage}"]
        if alternative:
            extensions.append(f"subjectAltName={alternative}")
        with open(os.path.join(self.folder, f"{stem}.ext"), "w", encoding="ascii") as f:
            f.write("\n".join(extensions) + "\n")
        _openssl(self.folder, "req", "-new", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{stem}.key",
                 "-out", f"{stem}.csr", "-subj", subject)
        _openssl(self.folder, "x509", "-req", "-in", f"{stem}.csr", "-CA", "ca.pem", "-CAkey",
                 "ca.key", "-CAcreateserial", "-days", "10", "-extfile", f"{stem}.ext",
                 "-out", f"{stem}.pem")
        key = os.path.join(self.folder, f"{stem}.key")
        os.chmod(key, 0o600)
        return os.path.join(self.folder, f"{stem}.pem"), key

    def server(self):
        return self.issue("server", "/O=etcd", "IP:127.0.0.1,DNS:localhost")

    def client(self, common_name=None):
        stem = "client-" + (common_name or "no-cn")
        subject = "/O=collective" + (f"/CN={common_name}" if common_name else "")
        return self.issue(stem, subject, usage="clientAuth")
