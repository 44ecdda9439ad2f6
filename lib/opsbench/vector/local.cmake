# Indexes of this process: hnswlib, FAISS, a scan.
